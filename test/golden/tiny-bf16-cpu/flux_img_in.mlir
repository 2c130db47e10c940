module @flux_img_in {
  func.func public @main(%arg0: tensor<1x64x64xf32>, %arg1: tensor<192x64xbf16>, %arg2: tensor<192xbf16>) -> (tensor<1x64x192xbf16>) {
    %0 = stablehlo.convert %arg0 : (tensor<1x64x64xf32>) -> tensor<1x64x64xbf16>
    %1 = stablehlo.dot_general %0, %arg1, contracting_dims = [2] x [1] : (tensor<1x64x64xbf16>, tensor<192x64xbf16>) -> tensor<1x64x192xf32>
    %2 = stablehlo.convert %1 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %3 = stablehlo.reshape %arg2 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %4 = stablehlo.reshape %3 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %6 = stablehlo.add %2, %5 : tensor<1x64x192xbf16>
    return %6 : tensor<1x64x192xbf16>
  }
}
