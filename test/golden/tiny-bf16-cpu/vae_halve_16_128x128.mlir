module @vae_halve_16_128x128 {
  func.func public @main(%arg0: tensor<1x128x128x16xbf16>, %arg1: tensor<16x16x3x3xbf16>, %arg2: tensor<16xbf16>) -> (tensor<1x64x64x16xbf16>) {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 1], [0, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x16xbf16>, tensor<16x16x3x3xbf16>) -> tensor<1x64x64x16xbf16>
    %1 = stablehlo.reshape %arg2 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %2 = stablehlo.reshape %1 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %3 = stablehlo.broadcast_in_dim %2, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x64x64x16xbf16>
    %4 = stablehlo.add %0, %3 : tensor<1x64x64x16xbf16>
    return %4 : tensor<1x64x64x16xbf16>
  }
}
