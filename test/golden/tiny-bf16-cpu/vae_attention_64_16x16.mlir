module @vae_attention_64_16x16 {
  func.func public @main(%arg0: tensor<1x16x16x64xbf16>, %arg1: tensor<64xbf16>, %arg2: tensor<64xbf16>, %arg3: tensor<64x64xbf16>, %arg4: tensor<64xbf16>, %arg5: tensor<64x64xbf16>, %arg6: tensor<64xbf16>, %arg7: tensor<64x64xbf16>, %arg8: tensor<64xbf16>, %arg9: tensor<64x64xbf16>, %arg10: tensor<64xbf16>) -> (tensor<1x16x16x64xbf16>) {
    %0 = stablehlo.convert %arg0 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %1 = stablehlo.convert %arg0 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %2 = stablehlo.constant dense<0.0> : tensor<f32>
    %3 = stablehlo.reduce(%1 init: %2) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %4 = stablehlo.reshape %3 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %5 = stablehlo.constant dense<0.0625> : tensor<f32>
    %6 = stablehlo.broadcast_in_dim %5, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %7 = stablehlo.multiply %4, %6 : tensor<1x16x1x64xf32>
    %8 = stablehlo.constant dense<0.0> : tensor<f32>
    %9 = stablehlo.reduce(%7 init: %8) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %10 = stablehlo.reshape %9 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %11 = stablehlo.constant dense<0.0625> : tensor<f32>
    %12 = stablehlo.broadcast_in_dim %11, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %13 = stablehlo.multiply %10, %12 : tensor<1x1x1x64xf32>
    %14 = stablehlo.reshape %13 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %15 = stablehlo.broadcast_in_dim %14, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %16 = stablehlo.subtract %1, %15 : tensor<1x16x16x64xf32>
    %17 = stablehlo.multiply %16, %16 : tensor<1x16x16x64xf32>
    %18 = stablehlo.constant dense<0.0> : tensor<f32>
    %19 = stablehlo.reduce(%17 init: %18) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %20 = stablehlo.reshape %19 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %21 = stablehlo.constant dense<0.0625> : tensor<f32>
    %22 = stablehlo.broadcast_in_dim %21, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %23 = stablehlo.multiply %20, %22 : tensor<1x16x1x64xf32>
    %24 = stablehlo.constant dense<0.0> : tensor<f32>
    %25 = stablehlo.reduce(%23 init: %24) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %26 = stablehlo.reshape %25 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %27 = stablehlo.constant dense<0.0625> : tensor<f32>
    %28 = stablehlo.broadcast_in_dim %27, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %29 = stablehlo.multiply %26, %28 : tensor<1x1x1x64xf32>
    %30 = stablehlo.concatenate %13, %29, dim = 1 : (tensor<1x1x1x64xf32>, tensor<1x1x1x64xf32>) -> tensor<1x2x1x64xf32>
    %31 = stablehlo.reshape %30 : (tensor<1x2x1x64xf32>) -> tensor<1x1x2x64xf32>
    %32 = stablehlo.slice %31 [0:1, 0:1, 0:1, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %33 = stablehlo.reshape %32 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %34 = stablehlo.constant dense<0.0> : tensor<f32>
    %35 = stablehlo.reduce(%33 init: %34) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x8xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %36 = stablehlo.reshape %35 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %37 = stablehlo.constant dense<0.125> : tensor<f32>
    %38 = stablehlo.broadcast_in_dim %37, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %39 = stablehlo.multiply %36, %38 : tensor<1x1x8x1xf32>
    %40 = stablehlo.constant dense<0.0> : tensor<f32>
    %41 = stablehlo.reduce(%39 init: %40) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %42 = stablehlo.reshape %41 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %43 = stablehlo.constant dense<1.0> : tensor<f32>
    %44 = stablehlo.broadcast_in_dim %43, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %45 = stablehlo.multiply %42, %44 : tensor<1x1x8x1xf32>
    %46 = stablehlo.reshape %45 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %47 = stablehlo.broadcast_in_dim %46, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %48 = stablehlo.reshape %47 : (tensor<1x1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %49 = stablehlo.reshape %48 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %50 = stablehlo.broadcast_in_dim %49, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %51 = stablehlo.subtract %0, %50 : tensor<1x16x16x64xf32>
    %52 = stablehlo.slice %31 [0:1, 0:1, 1:2, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %53 = stablehlo.reshape %52 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %54 = stablehlo.slice %31 [0:1, 0:1, 0:1, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %55 = stablehlo.reshape %54 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %56 = stablehlo.reshape %45 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %57 = stablehlo.broadcast_in_dim %56, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %58 = stablehlo.subtract %55, %57 : tensor<1x1x8x8xf32>
    %59 = stablehlo.multiply %58, %58 : tensor<1x1x8x8xf32>
    %60 = stablehlo.add %53, %59 : tensor<1x1x8x8xf32>
    %61 = stablehlo.constant dense<0.0> : tensor<f32>
    %62 = stablehlo.reduce(%60 init: %61) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x8xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %63 = stablehlo.reshape %62 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %64 = stablehlo.constant dense<0.125> : tensor<f32>
    %65 = stablehlo.broadcast_in_dim %64, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %66 = stablehlo.multiply %63, %65 : tensor<1x1x8x1xf32>
    %67 = stablehlo.constant dense<0.0> : tensor<f32>
    %68 = stablehlo.reduce(%66 init: %67) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %69 = stablehlo.reshape %68 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %70 = stablehlo.constant dense<1.0> : tensor<f32>
    %71 = stablehlo.broadcast_in_dim %70, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %72 = stablehlo.multiply %69, %71 : tensor<1x1x8x1xf32>
    %73 = stablehlo.constant dense<0.000001> : tensor<f32>
    %74 = stablehlo.broadcast_in_dim %73, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %75 = stablehlo.add %72, %74 : tensor<1x1x8x1xf32>
    %76 = stablehlo.rsqrt %75 : tensor<1x1x8x1xf32>
    %77 = stablehlo.reshape %76 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %78 = stablehlo.broadcast_in_dim %77, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %79 = stablehlo.reshape %78 : (tensor<1x1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %80 = stablehlo.convert %arg1 : (tensor<64xbf16>) -> tensor<64xf32>
    %81 = stablehlo.reshape %80 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %82 = stablehlo.multiply %79, %81 : tensor<1x1x1x64xf32>
    %83 = stablehlo.reshape %82 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %84 = stablehlo.broadcast_in_dim %83, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %85 = stablehlo.multiply %51, %84 : tensor<1x16x16x64xf32>
    %86 = stablehlo.convert %arg2 : (tensor<64xbf16>) -> tensor<64xf32>
    %87 = stablehlo.reshape %86 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %88 = stablehlo.reshape %87 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %89 = stablehlo.broadcast_in_dim %88, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %90 = stablehlo.add %85, %89 : tensor<1x16x16x64xf32>
    %91 = stablehlo.convert %90 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %92 = stablehlo.dot_general %91, %arg3, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %93 = stablehlo.convert %92 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %94 = stablehlo.reshape %arg4 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %95 = stablehlo.reshape %94 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %96 = stablehlo.broadcast_in_dim %95, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %97 = stablehlo.add %93, %96 : tensor<1x16x16x64xbf16>
    %98 = stablehlo.reshape %97 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %99 = stablehlo.dot_general %91, %arg5, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %100 = stablehlo.convert %99 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %101 = stablehlo.reshape %arg6 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %102 = stablehlo.reshape %101 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %103 = stablehlo.broadcast_in_dim %102, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %104 = stablehlo.add %100, %103 : tensor<1x16x16x64xbf16>
    %105 = stablehlo.reshape %104 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %106 = stablehlo.dot_general %98, %105, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x1x256x64xbf16>, tensor<1x1x256x64xbf16>) -> tensor<1x1x256x256xf32>
    %107 = stablehlo.constant dense<0.125> : tensor<f32>
    %108 = stablehlo.broadcast_in_dim %107, dims = [] : (tensor<f32>) -> tensor<1x1x256x256xf32>
    %109 = stablehlo.multiply %106, %108 : tensor<1x1x256x256xf32>
    %110 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %111 = stablehlo.reduce(%109 init: %110) applies stablehlo.maximum across dimensions = [3] : (tensor<1x1x256x256xf32>, tensor<f32>) -> tensor<1x1x256xf32>
    %112 = stablehlo.reshape %111 : (tensor<1x1x256xf32>) -> tensor<1x1x256x1xf32>
    %113 = stablehlo.reshape %112 : (tensor<1x1x256x1xf32>) -> tensor<1x1x256xf32>
    %114 = stablehlo.broadcast_in_dim %113, dims = [0, 1, 2] : (tensor<1x1x256xf32>) -> tensor<1x1x256x256xf32>
    %115 = stablehlo.subtract %109, %114 : tensor<1x1x256x256xf32>
    %116 = stablehlo.exponential %115 : tensor<1x1x256x256xf32>
    %117 = stablehlo.constant dense<0.0> : tensor<f32>
    %118 = stablehlo.reduce(%116 init: %117) applies stablehlo.add across dimensions = [3] : (tensor<1x1x256x256xf32>, tensor<f32>) -> tensor<1x1x256xf32>
    %119 = stablehlo.reshape %118 : (tensor<1x1x256xf32>) -> tensor<1x1x256x1xf32>
    %120 = stablehlo.reshape %119 : (tensor<1x1x256x1xf32>) -> tensor<1x1x256xf32>
    %121 = stablehlo.broadcast_in_dim %120, dims = [0, 1, 2] : (tensor<1x1x256xf32>) -> tensor<1x1x256x256xf32>
    %122 = stablehlo.divide %116, %121 : tensor<1x1x256x256xf32>
    %123 = stablehlo.convert %122 : (tensor<1x1x256x256xf32>) -> tensor<1x1x256x256xbf16>
    %124 = stablehlo.dot_general %91, %arg7, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %125 = stablehlo.convert %124 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %126 = stablehlo.reshape %arg8 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %127 = stablehlo.reshape %126 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %128 = stablehlo.broadcast_in_dim %127, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %129 = stablehlo.add %125, %128 : tensor<1x16x16x64xbf16>
    %130 = stablehlo.reshape %129 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %131 = stablehlo.dot_general %123, %130, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<1x1x256x256xbf16>, tensor<1x1x256x64xbf16>) -> tensor<1x1x256x64xf32>
    %132 = stablehlo.convert %131 : (tensor<1x1x256x64xf32>) -> tensor<1x1x256x64xbf16>
    %133 = stablehlo.reshape %132 : (tensor<1x1x256x64xbf16>) -> tensor<1x16x16x64xbf16>
    %134 = stablehlo.dot_general %133, %arg9, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %135 = stablehlo.convert %134 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %136 = stablehlo.reshape %arg10 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %137 = stablehlo.reshape %136 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %138 = stablehlo.broadcast_in_dim %137, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %139 = stablehlo.add %135, %138 : tensor<1x16x16x64xbf16>
    %140 = stablehlo.add %arg0, %139 : tensor<1x16x16x64xbf16>
    return %140 : tensor<1x16x16x64xbf16>
  }
}
