module @vae_encode_out {
  func.func public @main(%arg0: tensor<1x16x16x64xbf16>, %arg1: tensor<64xbf16>, %arg2: tensor<64xbf16>, %arg3: tensor<32x64x3x3xbf16>, %arg4: tensor<32xbf16>) -> (tensor<1x16x16x32xf32>, tensor<1x64x64xf32>) {
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
    %32 = stablehlo.reshape %31 : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x2x64xf32>
    %33 = stablehlo.reshape %32 : (tensor<1x1x1x2x64xf32>) -> tensor<1x1x2x64xf32>
    %34 = stablehlo.slice %33 [0:1, 0:1, 0:1, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %35 = stablehlo.reshape %34 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %36 = stablehlo.constant dense<0.0> : tensor<f32>
    %37 = stablehlo.reduce(%35 init: %36) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x8xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %38 = stablehlo.reshape %37 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %39 = stablehlo.constant dense<0.125> : tensor<f32>
    %40 = stablehlo.broadcast_in_dim %39, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %41 = stablehlo.multiply %38, %40 : tensor<1x1x8x1xf32>
    %42 = stablehlo.constant dense<0.0> : tensor<f32>
    %43 = stablehlo.reduce(%41 init: %42) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %44 = stablehlo.reshape %43 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %45 = stablehlo.constant dense<1.0> : tensor<f32>
    %46 = stablehlo.broadcast_in_dim %45, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %47 = stablehlo.multiply %44, %46 : tensor<1x1x8x1xf32>
    %48 = stablehlo.reshape %47 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %49 = stablehlo.broadcast_in_dim %48, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %50 = stablehlo.reshape %49 : (tensor<1x1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %51 = stablehlo.reshape %50 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %52 = stablehlo.broadcast_in_dim %51, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %53 = stablehlo.subtract %0, %52 : tensor<1x16x16x64xf32>
    %54 = stablehlo.slice %33 [0:1, 0:1, 1:2, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %55 = stablehlo.reshape %54 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %56 = stablehlo.slice %33 [0:1, 0:1, 0:1, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %57 = stablehlo.reshape %56 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %58 = stablehlo.reshape %47 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %59 = stablehlo.broadcast_in_dim %58, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %60 = stablehlo.subtract %57, %59 : tensor<1x1x8x8xf32>
    %61 = stablehlo.multiply %60, %60 : tensor<1x1x8x8xf32>
    %62 = stablehlo.add %55, %61 : tensor<1x1x8x8xf32>
    %63 = stablehlo.constant dense<0.0> : tensor<f32>
    %64 = stablehlo.reduce(%62 init: %63) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x8xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %65 = stablehlo.reshape %64 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %66 = stablehlo.constant dense<0.125> : tensor<f32>
    %67 = stablehlo.broadcast_in_dim %66, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %68 = stablehlo.multiply %65, %67 : tensor<1x1x8x1xf32>
    %69 = stablehlo.constant dense<0.0> : tensor<f32>
    %70 = stablehlo.reduce(%68 init: %69) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %71 = stablehlo.reshape %70 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %72 = stablehlo.constant dense<1.0> : tensor<f32>
    %73 = stablehlo.broadcast_in_dim %72, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %74 = stablehlo.multiply %71, %73 : tensor<1x1x8x1xf32>
    %75 = stablehlo.constant dense<0.000001> : tensor<f32>
    %76 = stablehlo.broadcast_in_dim %75, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %77 = stablehlo.add %74, %76 : tensor<1x1x8x1xf32>
    %78 = stablehlo.rsqrt %77 : tensor<1x1x8x1xf32>
    %79 = stablehlo.reshape %78 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %80 = stablehlo.broadcast_in_dim %79, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %81 = stablehlo.reshape %80 : (tensor<1x1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %82 = stablehlo.convert %arg1 : (tensor<64xbf16>) -> tensor<64xf32>
    %83 = stablehlo.reshape %82 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %84 = stablehlo.multiply %81, %83 : tensor<1x1x1x64xf32>
    %85 = stablehlo.reshape %84 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %86 = stablehlo.broadcast_in_dim %85, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %87 = stablehlo.multiply %53, %86 : tensor<1x16x16x64xf32>
    %88 = stablehlo.convert %arg2 : (tensor<64xbf16>) -> tensor<64xf32>
    %89 = stablehlo.reshape %88 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %90 = stablehlo.reshape %89 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %91 = stablehlo.broadcast_in_dim %90, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %92 = stablehlo.add %87, %91 : tensor<1x16x16x64xf32>
    %93 = stablehlo.convert %92 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %94 = stablehlo.convert %93 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %95 = stablehlo.logistic %94 : tensor<1x16x16x64xf32>
    %96 = stablehlo.multiply %94, %95 : tensor<1x16x16x64xf32>
    %97 = stablehlo.convert %96 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %98 = stablehlo.convolution(%97, %arg3) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<32x64x3x3xbf16>) -> tensor<1x16x16x32xbf16>
    %99 = stablehlo.reshape %arg4 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %100 = stablehlo.reshape %99 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %101 = stablehlo.broadcast_in_dim %100, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x16x16x32xbf16>
    %102 = stablehlo.add %98, %101 : tensor<1x16x16x32xbf16>
    %103 = stablehlo.convert %102 : (tensor<1x16x16x32xbf16>) -> tensor<1x16x16x32xf32>
    %104 = stablehlo.slice %103 [0:1, 0:16, 0:16, 0:16] : (tensor<1x16x16x32xf32>) -> tensor<1x16x16x16xf32>
    %105 = stablehlo.constant dense<0.021228> : tensor<f32>
    %106 = stablehlo.broadcast_in_dim %105, dims = [] : (tensor<f32>) -> tensor<1x16x16x16xf32>
    %107 = stablehlo.subtract %104, %106 : tensor<1x16x16x16xf32>
    %108 = stablehlo.constant dense<0.552526> : tensor<f32>
    %109 = stablehlo.broadcast_in_dim %108, dims = [] : (tensor<f32>) -> tensor<1x16x16x16xf32>
    %110 = stablehlo.multiply %107, %109 : tensor<1x16x16x16xf32>
    %111 = stablehlo.reshape %110 : (tensor<1x16x16x16xf32>) -> tensor<1x8x2x8x2x16xf32>
    %112 = stablehlo.transpose %111, dims = [0, 1, 3, 5, 2, 4] : (tensor<1x8x2x8x2x16xf32>) -> tensor<1x8x8x16x2x2xf32>
    %113 = stablehlo.reshape %112 : (tensor<1x8x8x16x2x2xf32>) -> tensor<1x64x64xf32>
    return %103, %113 : tensor<1x16x16x32xf32>, tensor<1x64x64xf32>
  }
}
