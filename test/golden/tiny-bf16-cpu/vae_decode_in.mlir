module @vae_decode_in {
  func.func public @main(%arg0: tensor<1x64x64xf32>, %arg1: tensor<64x16x3x3xbf16>, %arg2: tensor<64xbf16>) -> (tensor<1x16x16x64xbf16>) {
    %0 = stablehlo.reshape %arg0 : (tensor<1x64x64xf32>) -> tensor<1x8x8x16x2x2xf32>
    %1 = stablehlo.transpose %0, dims = [0, 1, 4, 2, 5, 3] : (tensor<1x8x8x16x2x2xf32>) -> tensor<1x8x2x8x2x16xf32>
    %2 = stablehlo.reshape %1 : (tensor<1x8x2x8x2x16xf32>) -> tensor<1x16x16x16xf32>
    %3 = stablehlo.constant dense<0.552526> : tensor<f32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [] : (tensor<f32>) -> tensor<1x16x16x16xf32>
    %5 = stablehlo.divide %2, %4 : tensor<1x16x16x16xf32>
    %6 = stablehlo.constant dense<0.021228> : tensor<f32>
    %7 = stablehlo.broadcast_in_dim %6, dims = [] : (tensor<f32>) -> tensor<1x16x16x16xf32>
    %8 = stablehlo.add %5, %7 : tensor<1x16x16x16xf32>
    %9 = stablehlo.convert %8 : (tensor<1x16x16x16xf32>) -> tensor<1x16x16x16xbf16>
    %10 = stablehlo.convolution(%9, %arg1) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x16xbf16>, tensor<64x16x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %11 = stablehlo.reshape %arg2 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %12 = stablehlo.reshape %11 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %13 = stablehlo.broadcast_in_dim %12, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %14 = stablehlo.add %10, %13 : tensor<1x16x16x64xbf16>
    return %14 : tensor<1x16x16x64xbf16>
  }
}
