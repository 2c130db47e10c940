module @vae_encode_in {
  func.func public @main(%arg0: tensor<1x128x128x3xf32>, %arg1: tensor<16x3x3x3xbf16>, %arg2: tensor<16xbf16>) -> (tensor<1x128x128x16xbf16>) {
    %0 = stablehlo.convert %arg0 : (tensor<1x128x128x3xf32>) -> tensor<1x128x128x3xbf16>
    %1 = stablehlo.convolution(%0, %arg1) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x3xbf16>, tensor<16x3x3x3xbf16>) -> tensor<1x128x128x16xbf16>
    %2 = stablehlo.reshape %arg2 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %3 = stablehlo.reshape %2 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %4 = stablehlo.broadcast_in_dim %3, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %5 = stablehlo.add %1, %4 : tensor<1x128x128x16xbf16>
    return %5 : tensor<1x128x128x16xbf16>
  }
}
