module @flux_txt_in {
  func.func public @main(%arg0: tensor<1x32x128xbf16>, %arg1: tensor<192x128xbf16>, %arg2: tensor<192xbf16>) -> (tensor<1x32x192xbf16>) {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [2] x [1] : (tensor<1x32x128xbf16>, tensor<192x128xbf16>) -> tensor<1x32x192xf32>
    %1 = stablehlo.convert %0 : (tensor<1x32x192xf32>) -> tensor<1x32x192xbf16>
    %2 = stablehlo.reshape %arg2 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %3 = stablehlo.reshape %2 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %4 = stablehlo.broadcast_in_dim %3, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %5 = stablehlo.add %1, %4 : tensor<1x32x192xbf16>
    return %5 : tensor<1x32x192xbf16>
  }
}
