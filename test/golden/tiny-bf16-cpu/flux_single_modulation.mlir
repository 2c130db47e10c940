module @flux_single_modulation {
  func.func public @main(%arg0: tensor<4x1x192xbf16>, %arg1: tensor<576x192xbf16>, %arg2: tensor<576xbf16>) -> (tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>) {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [2] x [1] : (tensor<4x1x192xbf16>, tensor<576x192xbf16>) -> tensor<4x1x576xf32>
    %1 = stablehlo.convert %0 : (tensor<4x1x576xf32>) -> tensor<4x1x576xbf16>
    %2 = stablehlo.reshape %arg2 : (tensor<576xbf16>) -> tensor<1x1x576xbf16>
    %3 = stablehlo.reshape %2 : (tensor<1x1x576xbf16>) -> tensor<1x576xbf16>
    %4 = stablehlo.broadcast_in_dim %3, dims = [1, 2] : (tensor<1x576xbf16>) -> tensor<4x1x576xbf16>
    %5 = stablehlo.add %1, %4 : tensor<4x1x576xbf16>
    %6 = stablehlo.reshape %5 : (tensor<4x1x576xbf16>) -> tensor<4x1x3x192xbf16>
    %7 = stablehlo.slice %6 [0:1, 0:1, 0:3, 0:192] : (tensor<4x1x3x192xbf16>) -> tensor<1x1x3x192xbf16>
    %8 = stablehlo.reshape %7 : (tensor<1x1x3x192xbf16>) -> tensor<1x3x192xbf16>
    %9 = stablehlo.slice %6 [1:2, 0:1, 0:3, 0:192] : (tensor<4x1x3x192xbf16>) -> tensor<1x1x3x192xbf16>
    %10 = stablehlo.reshape %9 : (tensor<1x1x3x192xbf16>) -> tensor<1x3x192xbf16>
    %11 = stablehlo.slice %6 [2:3, 0:1, 0:3, 0:192] : (tensor<4x1x3x192xbf16>) -> tensor<1x1x3x192xbf16>
    %12 = stablehlo.reshape %11 : (tensor<1x1x3x192xbf16>) -> tensor<1x3x192xbf16>
    %13 = stablehlo.slice %6 [3:4, 0:1, 0:3, 0:192] : (tensor<4x1x3x192xbf16>) -> tensor<1x1x3x192xbf16>
    %14 = stablehlo.reshape %13 : (tensor<1x1x3x192xbf16>) -> tensor<1x3x192xbf16>
    return %8, %10, %12, %14 : tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>
  }
}
