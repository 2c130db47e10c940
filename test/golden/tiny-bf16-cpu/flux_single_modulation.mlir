module @flux_single_modulation {
  func.func public @main(%arg0: tensor<4x1x192xbf16>, %arg1: tensor<576x192xbf16>, %arg2: tensor<576xbf16>) -> (tensor<4x1x3x192xbf16>) {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [2] x [1] : (tensor<4x1x192xbf16>, tensor<576x192xbf16>) -> tensor<4x1x576xf32>
    %1 = stablehlo.convert %0 : (tensor<4x1x576xf32>) -> tensor<4x1x576xbf16>
    %2 = stablehlo.reshape %arg2 : (tensor<576xbf16>) -> tensor<1x1x576xbf16>
    %3 = stablehlo.reshape %2 : (tensor<1x1x576xbf16>) -> tensor<1x576xbf16>
    %4 = stablehlo.broadcast_in_dim %3, dims = [1, 2] : (tensor<1x576xbf16>) -> tensor<4x1x576xbf16>
    %5 = stablehlo.add %1, %4 : tensor<4x1x576xbf16>
    %6 = stablehlo.reshape %5 : (tensor<4x1x576xbf16>) -> tensor<4x1x3x192xbf16>
    return %6 : tensor<4x1x3x192xbf16>
  }
}
