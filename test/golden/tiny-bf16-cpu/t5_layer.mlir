module @t5_layer {
  func.func public @main(%arg0: tensor<1x32x128xbf16>, %arg1: tensor<1x4x32x32xbf16>, %arg2: tensor<128xbf16>, %arg3: tensor<128x128xbf16>, %arg4: tensor<128x128xbf16>, %arg5: tensor<128x128xbf16>, %arg6: tensor<128x128xbf16>, %arg7: tensor<128xbf16>, %arg8: tensor<256x128xbf16>, %arg9: tensor<256x128xbf16>, %arg10: tensor<128x256xbf16>) -> (tensor<1x32x128xbf16>) {
    %0 = stablehlo.convert %arg0 : (tensor<1x32x128xbf16>) -> tensor<1x32x128xf32>
    %1 = stablehlo.multiply %0, %0 : tensor<1x32x128xf32>
    %2 = stablehlo.constant dense<0.0> : tensor<f32>
    %3 = stablehlo.reduce(%1 init: %2) applies stablehlo.add across dimensions = [2] : (tensor<1x32x128xf32>, tensor<f32>) -> tensor<1x32xf32>
    %4 = stablehlo.reshape %3 : (tensor<1x32xf32>) -> tensor<1x32x1xf32>
    %5 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %6 = stablehlo.broadcast_in_dim %5, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %7 = stablehlo.multiply %4, %6 : tensor<1x32x1xf32>
    %8 = stablehlo.constant dense<0.000001> : tensor<f32>
    %9 = stablehlo.broadcast_in_dim %8, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %10 = stablehlo.add %7, %9 : tensor<1x32x1xf32>
    %11 = stablehlo.rsqrt %10 : tensor<1x32x1xf32>
    %12 = stablehlo.reshape %11 : (tensor<1x32x1xf32>) -> tensor<1x32xf32>
    %13 = stablehlo.broadcast_in_dim %12, dims = [0, 1] : (tensor<1x32xf32>) -> tensor<1x32x128xf32>
    %14 = stablehlo.multiply %0, %13 : tensor<1x32x128xf32>
    %15 = stablehlo.convert %arg2 : (tensor<128xbf16>) -> tensor<128xf32>
    %16 = stablehlo.reshape %15 : (tensor<128xf32>) -> tensor<1x1x128xf32>
    %17 = stablehlo.reshape %16 : (tensor<1x1x128xf32>) -> tensor<1x128xf32>
    %18 = stablehlo.broadcast_in_dim %17, dims = [0, 2] : (tensor<1x128xf32>) -> tensor<1x32x128xf32>
    %19 = stablehlo.multiply %14, %18 : tensor<1x32x128xf32>
    %20 = stablehlo.convert %19 : (tensor<1x32x128xf32>) -> tensor<1x32x128xbf16>
    %21 = stablehlo.dot_general %20, %arg3, contracting_dims = [2] x [1] : (tensor<1x32x128xbf16>, tensor<128x128xbf16>) -> tensor<1x32x128xf32>
    %22 = stablehlo.convert %21 : (tensor<1x32x128xf32>) -> tensor<1x32x128xbf16>
    %23 = stablehlo.reshape %22 : (tensor<1x32x128xbf16>) -> tensor<1x32x4x32xbf16>
    %24 = stablehlo.transpose %23, dims = [0, 2, 1, 3] : (tensor<1x32x4x32xbf16>) -> tensor<1x4x32x32xbf16>
    %25 = stablehlo.dot_general %20, %arg4, contracting_dims = [2] x [1] : (tensor<1x32x128xbf16>, tensor<128x128xbf16>) -> tensor<1x32x128xf32>
    %26 = stablehlo.convert %25 : (tensor<1x32x128xf32>) -> tensor<1x32x128xbf16>
    %27 = stablehlo.reshape %26 : (tensor<1x32x128xbf16>) -> tensor<1x32x4x32xbf16>
    %28 = stablehlo.transpose %27, dims = [0, 2, 1, 3] : (tensor<1x32x4x32xbf16>) -> tensor<1x4x32x32xbf16>
    %29 = stablehlo.dot_general %24, %28, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x4x32x32xbf16>, tensor<1x4x32x32xbf16>) -> tensor<1x4x32x32xf32>
    %30 = stablehlo.convert %arg1 : (tensor<1x4x32x32xbf16>) -> tensor<1x4x32x32xf32>
    %31 = stablehlo.add %29, %30 : tensor<1x4x32x32xf32>
    %32 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %33 = stablehlo.reduce(%31 init: %32) applies stablehlo.maximum across dimensions = [3] : (tensor<1x4x32x32xf32>, tensor<f32>) -> tensor<1x4x32xf32>
    %34 = stablehlo.reshape %33 : (tensor<1x4x32xf32>) -> tensor<1x4x32x1xf32>
    %35 = stablehlo.reshape %34 : (tensor<1x4x32x1xf32>) -> tensor<1x4x32xf32>
    %36 = stablehlo.broadcast_in_dim %35, dims = [0, 1, 2] : (tensor<1x4x32xf32>) -> tensor<1x4x32x32xf32>
    %37 = stablehlo.subtract %31, %36 : tensor<1x4x32x32xf32>
    %38 = stablehlo.exponential %37 : tensor<1x4x32x32xf32>
    %39 = stablehlo.constant dense<0.0> : tensor<f32>
    %40 = stablehlo.reduce(%38 init: %39) applies stablehlo.add across dimensions = [3] : (tensor<1x4x32x32xf32>, tensor<f32>) -> tensor<1x4x32xf32>
    %41 = stablehlo.reshape %40 : (tensor<1x4x32xf32>) -> tensor<1x4x32x1xf32>
    %42 = stablehlo.reshape %41 : (tensor<1x4x32x1xf32>) -> tensor<1x4x32xf32>
    %43 = stablehlo.broadcast_in_dim %42, dims = [0, 1, 2] : (tensor<1x4x32xf32>) -> tensor<1x4x32x32xf32>
    %44 = stablehlo.divide %38, %43 : tensor<1x4x32x32xf32>
    %45 = stablehlo.convert %44 : (tensor<1x4x32x32xf32>) -> tensor<1x4x32x32xbf16>
    %46 = stablehlo.dot_general %20, %arg5, contracting_dims = [2] x [1] : (tensor<1x32x128xbf16>, tensor<128x128xbf16>) -> tensor<1x32x128xf32>
    %47 = stablehlo.convert %46 : (tensor<1x32x128xf32>) -> tensor<1x32x128xbf16>
    %48 = stablehlo.reshape %47 : (tensor<1x32x128xbf16>) -> tensor<1x32x4x32xbf16>
    %49 = stablehlo.transpose %48, dims = [0, 2, 1, 3] : (tensor<1x32x4x32xbf16>) -> tensor<1x4x32x32xbf16>
    %50 = stablehlo.dot_general %45, %49, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<1x4x32x32xbf16>, tensor<1x4x32x32xbf16>) -> tensor<1x4x32x32xf32>
    %51 = stablehlo.convert %50 : (tensor<1x4x32x32xf32>) -> tensor<1x4x32x32xbf16>
    %52 = stablehlo.transpose %51, dims = [0, 2, 1, 3] : (tensor<1x4x32x32xbf16>) -> tensor<1x32x4x32xbf16>
    %53 = stablehlo.reshape %52 : (tensor<1x32x4x32xbf16>) -> tensor<1x32x128xbf16>
    %54 = stablehlo.dot_general %53, %arg6, contracting_dims = [2] x [1] : (tensor<1x32x128xbf16>, tensor<128x128xbf16>) -> tensor<1x32x128xf32>
    %55 = stablehlo.convert %54 : (tensor<1x32x128xf32>) -> tensor<1x32x128xbf16>
    %56 = stablehlo.add %arg0, %55 : tensor<1x32x128xbf16>
    %57 = stablehlo.convert %56 : (tensor<1x32x128xbf16>) -> tensor<1x32x128xf32>
    %58 = stablehlo.multiply %57, %57 : tensor<1x32x128xf32>
    %59 = stablehlo.constant dense<0.0> : tensor<f32>
    %60 = stablehlo.reduce(%58 init: %59) applies stablehlo.add across dimensions = [2] : (tensor<1x32x128xf32>, tensor<f32>) -> tensor<1x32xf32>
    %61 = stablehlo.reshape %60 : (tensor<1x32xf32>) -> tensor<1x32x1xf32>
    %62 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %63 = stablehlo.broadcast_in_dim %62, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %64 = stablehlo.multiply %61, %63 : tensor<1x32x1xf32>
    %65 = stablehlo.constant dense<0.000001> : tensor<f32>
    %66 = stablehlo.broadcast_in_dim %65, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %67 = stablehlo.add %64, %66 : tensor<1x32x1xf32>
    %68 = stablehlo.rsqrt %67 : tensor<1x32x1xf32>
    %69 = stablehlo.reshape %68 : (tensor<1x32x1xf32>) -> tensor<1x32xf32>
    %70 = stablehlo.broadcast_in_dim %69, dims = [0, 1] : (tensor<1x32xf32>) -> tensor<1x32x128xf32>
    %71 = stablehlo.multiply %57, %70 : tensor<1x32x128xf32>
    %72 = stablehlo.convert %arg7 : (tensor<128xbf16>) -> tensor<128xf32>
    %73 = stablehlo.reshape %72 : (tensor<128xf32>) -> tensor<1x1x128xf32>
    %74 = stablehlo.reshape %73 : (tensor<1x1x128xf32>) -> tensor<1x128xf32>
    %75 = stablehlo.broadcast_in_dim %74, dims = [0, 2] : (tensor<1x128xf32>) -> tensor<1x32x128xf32>
    %76 = stablehlo.multiply %71, %75 : tensor<1x32x128xf32>
    %77 = stablehlo.convert %76 : (tensor<1x32x128xf32>) -> tensor<1x32x128xbf16>
    %78 = stablehlo.dot_general %77, %arg8, contracting_dims = [2] x [1] : (tensor<1x32x128xbf16>, tensor<256x128xbf16>) -> tensor<1x32x256xf32>
    %79 = stablehlo.convert %78 : (tensor<1x32x256xf32>) -> tensor<1x32x256xbf16>
    %80 = stablehlo.convert %79 : (tensor<1x32x256xbf16>) -> tensor<1x32x256xf32>
    %81 = stablehlo.multiply %80, %80 : tensor<1x32x256xf32>
    %82 = stablehlo.constant dense<0.044715> : tensor<f32>
    %83 = stablehlo.broadcast_in_dim %82, dims = [] : (tensor<f32>) -> tensor<1x32x256xf32>
    %84 = stablehlo.multiply %81, %83 : tensor<1x32x256xf32>
    %85 = stablehlo.constant dense<1.0> : tensor<f32>
    %86 = stablehlo.broadcast_in_dim %85, dims = [] : (tensor<f32>) -> tensor<1x32x256xf32>
    %87 = stablehlo.add %84, %86 : tensor<1x32x256xf32>
    %88 = stablehlo.multiply %80, %87 : tensor<1x32x256xf32>
    %89 = stablehlo.constant dense<0.7978845608028654> : tensor<f32>
    %90 = stablehlo.broadcast_in_dim %89, dims = [] : (tensor<f32>) -> tensor<1x32x256xf32>
    %91 = stablehlo.multiply %88, %90 : tensor<1x32x256xf32>
    %92 = stablehlo.tanh %91 : tensor<1x32x256xf32>
    %93 = stablehlo.constant dense<1.0> : tensor<f32>
    %94 = stablehlo.broadcast_in_dim %93, dims = [] : (tensor<f32>) -> tensor<1x32x256xf32>
    %95 = stablehlo.add %92, %94 : tensor<1x32x256xf32>
    %96 = stablehlo.multiply %80, %95 : tensor<1x32x256xf32>
    %97 = stablehlo.constant dense<0.5> : tensor<f32>
    %98 = stablehlo.broadcast_in_dim %97, dims = [] : (tensor<f32>) -> tensor<1x32x256xf32>
    %99 = stablehlo.multiply %96, %98 : tensor<1x32x256xf32>
    %100 = stablehlo.convert %99 : (tensor<1x32x256xf32>) -> tensor<1x32x256xbf16>
    %101 = stablehlo.dot_general %77, %arg9, contracting_dims = [2] x [1] : (tensor<1x32x128xbf16>, tensor<256x128xbf16>) -> tensor<1x32x256xf32>
    %102 = stablehlo.convert %101 : (tensor<1x32x256xf32>) -> tensor<1x32x256xbf16>
    %103 = stablehlo.multiply %100, %102 : tensor<1x32x256xbf16>
    %104 = stablehlo.dot_general %103, %arg10, contracting_dims = [2] x [1] : (tensor<1x32x256xbf16>, tensor<128x256xbf16>) -> tensor<1x32x128xf32>
    %105 = stablehlo.convert %104 : (tensor<1x32x128xf32>) -> tensor<1x32x128xbf16>
    %106 = stablehlo.add %56, %105 : tensor<1x32x128xbf16>
    return %106 : tensor<1x32x128xbf16>
  }
}
