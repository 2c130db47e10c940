module @flux_join {
  func.func public @main(%arg0: tensor<1x64x192xbf16>, %arg1: tensor<1x32x192xbf16>) -> (tensor<1x96x192xbf16>) {
    %0 = stablehlo.concatenate %arg1, %arg0, dim = 1 : (tensor<1x32x192xbf16>, tensor<1x64x192xbf16>) -> tensor<1x96x192xbf16>
    return %0 : tensor<1x96x192xbf16>
  }
}
