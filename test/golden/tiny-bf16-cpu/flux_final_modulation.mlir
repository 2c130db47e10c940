module @flux_final_modulation {
  func.func public @main(%arg0: tensor<4x1x192xbf16>, %arg1: tensor<192x192xbf16>, %arg2: tensor<192xbf16>, %arg3: tensor<192x192xbf16>, %arg4: tensor<192xbf16>) -> (tensor<4x1x2x192xbf16>) {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [2] x [1] : (tensor<4x1x192xbf16>, tensor<192x192xbf16>) -> tensor<4x1x192xf32>
    %1 = stablehlo.convert %0 : (tensor<4x1x192xf32>) -> tensor<4x1x192xbf16>
    %2 = stablehlo.reshape %arg2 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %3 = stablehlo.reshape %2 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %4 = stablehlo.broadcast_in_dim %3, dims = [1, 2] : (tensor<1x192xbf16>) -> tensor<4x1x192xbf16>
    %5 = stablehlo.add %1, %4 : tensor<4x1x192xbf16>
    %6 = stablehlo.reshape %5 : (tensor<4x1x192xbf16>) -> tensor<4x1x1x192xbf16>
    %7 = stablehlo.dot_general %arg0, %arg3, contracting_dims = [2] x [1] : (tensor<4x1x192xbf16>, tensor<192x192xbf16>) -> tensor<4x1x192xf32>
    %8 = stablehlo.convert %7 : (tensor<4x1x192xf32>) -> tensor<4x1x192xbf16>
    %9 = stablehlo.reshape %arg4 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %10 = stablehlo.reshape %9 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %11 = stablehlo.broadcast_in_dim %10, dims = [1, 2] : (tensor<1x192xbf16>) -> tensor<4x1x192xbf16>
    %12 = stablehlo.add %8, %11 : tensor<4x1x192xbf16>
    %13 = stablehlo.reshape %12 : (tensor<4x1x192xbf16>) -> tensor<4x1x1x192xbf16>
    %14 = stablehlo.concatenate %6, %13, dim = 2 : (tensor<4x1x1x192xbf16>, tensor<4x1x1x192xbf16>) -> tensor<4x1x2x192xbf16>
    return %14 : tensor<4x1x2x192xbf16>
  }
}
