module @clip_layer {
  func.func public @main(%arg0: tensor<1x77x128xbf16>, %arg1: tensor<128xbf16>, %arg2: tensor<128xbf16>, %arg3: tensor<128x128xbf16>, %arg4: tensor<128xbf16>, %arg5: tensor<128x128xbf16>, %arg6: tensor<128xbf16>, %arg7: tensor<128x128xbf16>, %arg8: tensor<128xbf16>, %arg9: tensor<128x128xbf16>, %arg10: tensor<128xbf16>, %arg11: tensor<128xbf16>, %arg12: tensor<128xbf16>, %arg13: tensor<512x128xbf16>, %arg14: tensor<512xbf16>, %arg15: tensor<128x512xbf16>, %arg16: tensor<128xbf16>) -> (tensor<1x77x128xbf16>) {
    %0 = stablehlo.iota dim = 3 : tensor<1x4x77x77xi32>
    %1 = stablehlo.iota dim = 2 : tensor<1x4x77x77xi32>
    %2 = stablehlo.compare LE, %0, %1, SIGNED : (tensor<1x4x77x77xi32>, tensor<1x4x77x77xi32>) -> tensor<1x4x77x77xi1>
    %3 = stablehlo.convert %arg0 : (tensor<1x77x128xbf16>) -> tensor<1x77x128xf32>
    %4 = stablehlo.constant dense<0.0> : tensor<f32>
    %5 = stablehlo.reduce(%3 init: %4) applies stablehlo.add across dimensions = [2] : (tensor<1x77x128xf32>, tensor<f32>) -> tensor<1x77xf32>
    %6 = stablehlo.reshape %5 : (tensor<1x77xf32>) -> tensor<1x77x1xf32>
    %7 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [] : (tensor<f32>) -> tensor<1x77x1xf32>
    %9 = stablehlo.multiply %6, %8 : tensor<1x77x1xf32>
    %10 = stablehlo.reshape %9 : (tensor<1x77x1xf32>) -> tensor<1x77xf32>
    %11 = stablehlo.broadcast_in_dim %10, dims = [0, 1] : (tensor<1x77xf32>) -> tensor<1x77x128xf32>
    %12 = stablehlo.subtract %3, %11 : tensor<1x77x128xf32>
    %13 = stablehlo.multiply %12, %12 : tensor<1x77x128xf32>
    %14 = stablehlo.constant dense<0.0> : tensor<f32>
    %15 = stablehlo.reduce(%13 init: %14) applies stablehlo.add across dimensions = [2] : (tensor<1x77x128xf32>, tensor<f32>) -> tensor<1x77xf32>
    %16 = stablehlo.reshape %15 : (tensor<1x77xf32>) -> tensor<1x77x1xf32>
    %17 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %18 = stablehlo.broadcast_in_dim %17, dims = [] : (tensor<f32>) -> tensor<1x77x1xf32>
    %19 = stablehlo.multiply %16, %18 : tensor<1x77x1xf32>
    %20 = stablehlo.constant dense<0.00001> : tensor<f32>
    %21 = stablehlo.broadcast_in_dim %20, dims = [] : (tensor<f32>) -> tensor<1x77x1xf32>
    %22 = stablehlo.add %19, %21 : tensor<1x77x1xf32>
    %23 = stablehlo.rsqrt %22 : tensor<1x77x1xf32>
    %24 = stablehlo.reshape %23 : (tensor<1x77x1xf32>) -> tensor<1x77xf32>
    %25 = stablehlo.broadcast_in_dim %24, dims = [0, 1] : (tensor<1x77xf32>) -> tensor<1x77x128xf32>
    %26 = stablehlo.multiply %12, %25 : tensor<1x77x128xf32>
    %27 = stablehlo.convert %arg1 : (tensor<128xbf16>) -> tensor<128xf32>
    %28 = stablehlo.reshape %27 : (tensor<128xf32>) -> tensor<1x1x128xf32>
    %29 = stablehlo.reshape %28 : (tensor<1x1x128xf32>) -> tensor<1x128xf32>
    %30 = stablehlo.broadcast_in_dim %29, dims = [0, 2] : (tensor<1x128xf32>) -> tensor<1x77x128xf32>
    %31 = stablehlo.multiply %26, %30 : tensor<1x77x128xf32>
    %32 = stablehlo.convert %arg2 : (tensor<128xbf16>) -> tensor<128xf32>
    %33 = stablehlo.reshape %32 : (tensor<128xf32>) -> tensor<1x1x128xf32>
    %34 = stablehlo.reshape %33 : (tensor<1x1x128xf32>) -> tensor<1x128xf32>
    %35 = stablehlo.broadcast_in_dim %34, dims = [0, 2] : (tensor<1x128xf32>) -> tensor<1x77x128xf32>
    %36 = stablehlo.add %31, %35 : tensor<1x77x128xf32>
    %37 = stablehlo.convert %36 : (tensor<1x77x128xf32>) -> tensor<1x77x128xbf16>
    %38 = stablehlo.dot_general %37, %arg3, contracting_dims = [2] x [1] : (tensor<1x77x128xbf16>, tensor<128x128xbf16>) -> tensor<1x77x128xf32>
    %39 = stablehlo.convert %38 : (tensor<1x77x128xf32>) -> tensor<1x77x128xbf16>
    %40 = stablehlo.reshape %arg4 : (tensor<128xbf16>) -> tensor<1x1x128xbf16>
    %41 = stablehlo.reshape %40 : (tensor<1x1x128xbf16>) -> tensor<1x128xbf16>
    %42 = stablehlo.broadcast_in_dim %41, dims = [0, 2] : (tensor<1x128xbf16>) -> tensor<1x77x128xbf16>
    %43 = stablehlo.add %39, %42 : tensor<1x77x128xbf16>
    %44 = stablehlo.reshape %43 : (tensor<1x77x128xbf16>) -> tensor<1x77x4x32xbf16>
    %45 = stablehlo.transpose %44, dims = [0, 2, 1, 3] : (tensor<1x77x4x32xbf16>) -> tensor<1x4x77x32xbf16>
    %46 = stablehlo.dot_general %37, %arg5, contracting_dims = [2] x [1] : (tensor<1x77x128xbf16>, tensor<128x128xbf16>) -> tensor<1x77x128xf32>
    %47 = stablehlo.convert %46 : (tensor<1x77x128xf32>) -> tensor<1x77x128xbf16>
    %48 = stablehlo.reshape %arg6 : (tensor<128xbf16>) -> tensor<1x1x128xbf16>
    %49 = stablehlo.reshape %48 : (tensor<1x1x128xbf16>) -> tensor<1x128xbf16>
    %50 = stablehlo.broadcast_in_dim %49, dims = [0, 2] : (tensor<1x128xbf16>) -> tensor<1x77x128xbf16>
    %51 = stablehlo.add %47, %50 : tensor<1x77x128xbf16>
    %52 = stablehlo.reshape %51 : (tensor<1x77x128xbf16>) -> tensor<1x77x4x32xbf16>
    %53 = stablehlo.transpose %52, dims = [0, 2, 1, 3] : (tensor<1x77x4x32xbf16>) -> tensor<1x4x77x32xbf16>
    %54 = stablehlo.dot_general %45, %53, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x4x77x32xbf16>, tensor<1x4x77x32xbf16>) -> tensor<1x4x77x77xf32>
    %55 = stablehlo.constant dense<0.1767766952966369> : tensor<f32>
    %56 = stablehlo.broadcast_in_dim %55, dims = [] : (tensor<f32>) -> tensor<1x4x77x77xf32>
    %57 = stablehlo.multiply %54, %56 : tensor<1x4x77x77xf32>
    %58 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %59 = stablehlo.broadcast_in_dim %58, dims = [] : (tensor<f32>) -> tensor<1x4x77x77xf32>
    %60 = stablehlo.select %2, %57, %59 : tensor<1x4x77x77xi1>, tensor<1x4x77x77xf32>
    %61 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %62 = stablehlo.reduce(%60 init: %61) applies stablehlo.maximum across dimensions = [3] : (tensor<1x4x77x77xf32>, tensor<f32>) -> tensor<1x4x77xf32>
    %63 = stablehlo.reshape %62 : (tensor<1x4x77xf32>) -> tensor<1x4x77x1xf32>
    %64 = stablehlo.reshape %63 : (tensor<1x4x77x1xf32>) -> tensor<1x4x77xf32>
    %65 = stablehlo.broadcast_in_dim %64, dims = [0, 1, 2] : (tensor<1x4x77xf32>) -> tensor<1x4x77x77xf32>
    %66 = stablehlo.subtract %60, %65 : tensor<1x4x77x77xf32>
    %67 = stablehlo.exponential %66 : tensor<1x4x77x77xf32>
    %68 = stablehlo.constant dense<0.0> : tensor<f32>
    %69 = stablehlo.reduce(%67 init: %68) applies stablehlo.add across dimensions = [3] : (tensor<1x4x77x77xf32>, tensor<f32>) -> tensor<1x4x77xf32>
    %70 = stablehlo.reshape %69 : (tensor<1x4x77xf32>) -> tensor<1x4x77x1xf32>
    %71 = stablehlo.reshape %70 : (tensor<1x4x77x1xf32>) -> tensor<1x4x77xf32>
    %72 = stablehlo.broadcast_in_dim %71, dims = [0, 1, 2] : (tensor<1x4x77xf32>) -> tensor<1x4x77x77xf32>
    %73 = stablehlo.divide %67, %72 : tensor<1x4x77x77xf32>
    %74 = stablehlo.convert %73 : (tensor<1x4x77x77xf32>) -> tensor<1x4x77x77xbf16>
    %75 = stablehlo.dot_general %37, %arg7, contracting_dims = [2] x [1] : (tensor<1x77x128xbf16>, tensor<128x128xbf16>) -> tensor<1x77x128xf32>
    %76 = stablehlo.convert %75 : (tensor<1x77x128xf32>) -> tensor<1x77x128xbf16>
    %77 = stablehlo.reshape %arg8 : (tensor<128xbf16>) -> tensor<1x1x128xbf16>
    %78 = stablehlo.reshape %77 : (tensor<1x1x128xbf16>) -> tensor<1x128xbf16>
    %79 = stablehlo.broadcast_in_dim %78, dims = [0, 2] : (tensor<1x128xbf16>) -> tensor<1x77x128xbf16>
    %80 = stablehlo.add %76, %79 : tensor<1x77x128xbf16>
    %81 = stablehlo.reshape %80 : (tensor<1x77x128xbf16>) -> tensor<1x77x4x32xbf16>
    %82 = stablehlo.transpose %81, dims = [0, 2, 1, 3] : (tensor<1x77x4x32xbf16>) -> tensor<1x4x77x32xbf16>
    %83 = stablehlo.dot_general %74, %82, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<1x4x77x77xbf16>, tensor<1x4x77x32xbf16>) -> tensor<1x4x77x32xf32>
    %84 = stablehlo.convert %83 : (tensor<1x4x77x32xf32>) -> tensor<1x4x77x32xbf16>
    %85 = stablehlo.transpose %84, dims = [0, 2, 1, 3] : (tensor<1x4x77x32xbf16>) -> tensor<1x77x4x32xbf16>
    %86 = stablehlo.reshape %85 : (tensor<1x77x4x32xbf16>) -> tensor<1x77x128xbf16>
    %87 = stablehlo.dot_general %86, %arg9, contracting_dims = [2] x [1] : (tensor<1x77x128xbf16>, tensor<128x128xbf16>) -> tensor<1x77x128xf32>
    %88 = stablehlo.convert %87 : (tensor<1x77x128xf32>) -> tensor<1x77x128xbf16>
    %89 = stablehlo.reshape %arg10 : (tensor<128xbf16>) -> tensor<1x1x128xbf16>
    %90 = stablehlo.reshape %89 : (tensor<1x1x128xbf16>) -> tensor<1x128xbf16>
    %91 = stablehlo.broadcast_in_dim %90, dims = [0, 2] : (tensor<1x128xbf16>) -> tensor<1x77x128xbf16>
    %92 = stablehlo.add %88, %91 : tensor<1x77x128xbf16>
    %93 = stablehlo.add %arg0, %92 : tensor<1x77x128xbf16>
    %94 = stablehlo.convert %93 : (tensor<1x77x128xbf16>) -> tensor<1x77x128xf32>
    %95 = stablehlo.constant dense<0.0> : tensor<f32>
    %96 = stablehlo.reduce(%94 init: %95) applies stablehlo.add across dimensions = [2] : (tensor<1x77x128xf32>, tensor<f32>) -> tensor<1x77xf32>
    %97 = stablehlo.reshape %96 : (tensor<1x77xf32>) -> tensor<1x77x1xf32>
    %98 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %99 = stablehlo.broadcast_in_dim %98, dims = [] : (tensor<f32>) -> tensor<1x77x1xf32>
    %100 = stablehlo.multiply %97, %99 : tensor<1x77x1xf32>
    %101 = stablehlo.reshape %100 : (tensor<1x77x1xf32>) -> tensor<1x77xf32>
    %102 = stablehlo.broadcast_in_dim %101, dims = [0, 1] : (tensor<1x77xf32>) -> tensor<1x77x128xf32>
    %103 = stablehlo.subtract %94, %102 : tensor<1x77x128xf32>
    %104 = stablehlo.multiply %103, %103 : tensor<1x77x128xf32>
    %105 = stablehlo.constant dense<0.0> : tensor<f32>
    %106 = stablehlo.reduce(%104 init: %105) applies stablehlo.add across dimensions = [2] : (tensor<1x77x128xf32>, tensor<f32>) -> tensor<1x77xf32>
    %107 = stablehlo.reshape %106 : (tensor<1x77xf32>) -> tensor<1x77x1xf32>
    %108 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %109 = stablehlo.broadcast_in_dim %108, dims = [] : (tensor<f32>) -> tensor<1x77x1xf32>
    %110 = stablehlo.multiply %107, %109 : tensor<1x77x1xf32>
    %111 = stablehlo.constant dense<0.00001> : tensor<f32>
    %112 = stablehlo.broadcast_in_dim %111, dims = [] : (tensor<f32>) -> tensor<1x77x1xf32>
    %113 = stablehlo.add %110, %112 : tensor<1x77x1xf32>
    %114 = stablehlo.rsqrt %113 : tensor<1x77x1xf32>
    %115 = stablehlo.reshape %114 : (tensor<1x77x1xf32>) -> tensor<1x77xf32>
    %116 = stablehlo.broadcast_in_dim %115, dims = [0, 1] : (tensor<1x77xf32>) -> tensor<1x77x128xf32>
    %117 = stablehlo.multiply %103, %116 : tensor<1x77x128xf32>
    %118 = stablehlo.convert %arg11 : (tensor<128xbf16>) -> tensor<128xf32>
    %119 = stablehlo.reshape %118 : (tensor<128xf32>) -> tensor<1x1x128xf32>
    %120 = stablehlo.reshape %119 : (tensor<1x1x128xf32>) -> tensor<1x128xf32>
    %121 = stablehlo.broadcast_in_dim %120, dims = [0, 2] : (tensor<1x128xf32>) -> tensor<1x77x128xf32>
    %122 = stablehlo.multiply %117, %121 : tensor<1x77x128xf32>
    %123 = stablehlo.convert %arg12 : (tensor<128xbf16>) -> tensor<128xf32>
    %124 = stablehlo.reshape %123 : (tensor<128xf32>) -> tensor<1x1x128xf32>
    %125 = stablehlo.reshape %124 : (tensor<1x1x128xf32>) -> tensor<1x128xf32>
    %126 = stablehlo.broadcast_in_dim %125, dims = [0, 2] : (tensor<1x128xf32>) -> tensor<1x77x128xf32>
    %127 = stablehlo.add %122, %126 : tensor<1x77x128xf32>
    %128 = stablehlo.convert %127 : (tensor<1x77x128xf32>) -> tensor<1x77x128xbf16>
    %129 = stablehlo.dot_general %128, %arg13, contracting_dims = [2] x [1] : (tensor<1x77x128xbf16>, tensor<512x128xbf16>) -> tensor<1x77x512xf32>
    %130 = stablehlo.convert %129 : (tensor<1x77x512xf32>) -> tensor<1x77x512xbf16>
    %131 = stablehlo.reshape %arg14 : (tensor<512xbf16>) -> tensor<1x1x512xbf16>
    %132 = stablehlo.reshape %131 : (tensor<1x1x512xbf16>) -> tensor<1x512xbf16>
    %133 = stablehlo.broadcast_in_dim %132, dims = [0, 2] : (tensor<1x512xbf16>) -> tensor<1x77x512xbf16>
    %134 = stablehlo.add %130, %133 : tensor<1x77x512xbf16>
    %135 = stablehlo.convert %134 : (tensor<1x77x512xbf16>) -> tensor<1x77x512xf32>
    %136 = stablehlo.constant dense<1.702> : tensor<f32>
    %137 = stablehlo.broadcast_in_dim %136, dims = [] : (tensor<f32>) -> tensor<1x77x512xf32>
    %138 = stablehlo.multiply %135, %137 : tensor<1x77x512xf32>
    %139 = stablehlo.logistic %138 : tensor<1x77x512xf32>
    %140 = stablehlo.multiply %135, %139 : tensor<1x77x512xf32>
    %141 = stablehlo.convert %140 : (tensor<1x77x512xf32>) -> tensor<1x77x512xbf16>
    %142 = stablehlo.dot_general %141, %arg15, contracting_dims = [2] x [1] : (tensor<1x77x512xbf16>, tensor<128x512xbf16>) -> tensor<1x77x128xf32>
    %143 = stablehlo.convert %142 : (tensor<1x77x128xf32>) -> tensor<1x77x128xbf16>
    %144 = stablehlo.reshape %arg16 : (tensor<128xbf16>) -> tensor<1x1x128xbf16>
    %145 = stablehlo.reshape %144 : (tensor<1x1x128xbf16>) -> tensor<1x128xbf16>
    %146 = stablehlo.broadcast_in_dim %145, dims = [0, 2] : (tensor<1x128xbf16>) -> tensor<1x77x128xbf16>
    %147 = stablehlo.add %143, %146 : tensor<1x77x128xbf16>
    %148 = stablehlo.add %93, %147 : tensor<1x77x128xbf16>
    return %148 : tensor<1x77x128xbf16>
  }
}
