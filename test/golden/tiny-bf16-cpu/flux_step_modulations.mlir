module @flux_step_modulations {
  func.func public @main(%arg0: tensor<1xi32>, %arg1: tensor<4x1x12x192xbf16>, %arg2: tensor<4x1x12x192xbf16>, %arg3: tensor<4x1x3x192xbf16>, %arg4: tensor<4x1x3x192xbf16>, %arg5: tensor<4x1x3x192xbf16>, %arg6: tensor<4x1x3x192xbf16>, %arg7: tensor<4x1x3x192xbf16>, %arg8: tensor<4x1x2x192xbf16>) -> (tensor<1x12x192xbf16>, tensor<1x12x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x2x192xbf16>) {
    %0 = stablehlo.reshape %arg1 : (tensor<4x1x12x192xbf16>) -> tensor<4x2304xbf16>
    %1 = "stablehlo.gather"(%0, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 2304>}> : (tensor<4x2304xbf16>, tensor<1xi32>) -> tensor<1x2304xbf16>
    %2 = stablehlo.reshape %1 : (tensor<1x2304xbf16>) -> tensor<1x12x192xbf16>
    %3 = stablehlo.reshape %arg2 : (tensor<4x1x12x192xbf16>) -> tensor<4x2304xbf16>
    %4 = "stablehlo.gather"(%3, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 2304>}> : (tensor<4x2304xbf16>, tensor<1xi32>) -> tensor<1x2304xbf16>
    %5 = stablehlo.reshape %4 : (tensor<1x2304xbf16>) -> tensor<1x12x192xbf16>
    %6 = stablehlo.reshape %arg3 : (tensor<4x1x3x192xbf16>) -> tensor<4x576xbf16>
    %7 = "stablehlo.gather"(%6, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 576>}> : (tensor<4x576xbf16>, tensor<1xi32>) -> tensor<1x576xbf16>
    %8 = stablehlo.reshape %7 : (tensor<1x576xbf16>) -> tensor<1x3x192xbf16>
    %9 = stablehlo.reshape %arg4 : (tensor<4x1x3x192xbf16>) -> tensor<4x576xbf16>
    %10 = "stablehlo.gather"(%9, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 576>}> : (tensor<4x576xbf16>, tensor<1xi32>) -> tensor<1x576xbf16>
    %11 = stablehlo.reshape %10 : (tensor<1x576xbf16>) -> tensor<1x3x192xbf16>
    %12 = stablehlo.reshape %arg5 : (tensor<4x1x3x192xbf16>) -> tensor<4x576xbf16>
    %13 = "stablehlo.gather"(%12, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 576>}> : (tensor<4x576xbf16>, tensor<1xi32>) -> tensor<1x576xbf16>
    %14 = stablehlo.reshape %13 : (tensor<1x576xbf16>) -> tensor<1x3x192xbf16>
    %15 = stablehlo.reshape %arg6 : (tensor<4x1x3x192xbf16>) -> tensor<4x576xbf16>
    %16 = "stablehlo.gather"(%15, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 576>}> : (tensor<4x576xbf16>, tensor<1xi32>) -> tensor<1x576xbf16>
    %17 = stablehlo.reshape %16 : (tensor<1x576xbf16>) -> tensor<1x3x192xbf16>
    %18 = stablehlo.reshape %arg7 : (tensor<4x1x3x192xbf16>) -> tensor<4x576xbf16>
    %19 = "stablehlo.gather"(%18, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 576>}> : (tensor<4x576xbf16>, tensor<1xi32>) -> tensor<1x576xbf16>
    %20 = stablehlo.reshape %19 : (tensor<1x576xbf16>) -> tensor<1x3x192xbf16>
    %21 = stablehlo.reshape %arg8 : (tensor<4x1x2x192xbf16>) -> tensor<4x384xbf16>
    %22 = "stablehlo.gather"(%21, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 384>}> : (tensor<4x384xbf16>, tensor<1xi32>) -> tensor<1x384xbf16>
    %23 = stablehlo.reshape %22 : (tensor<1x384xbf16>) -> tensor<1x2x192xbf16>
    return %2, %5, %8, %11, %14, %17, %20, %23 : tensor<1x12x192xbf16>, tensor<1x12x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x3x192xbf16>, tensor<1x2x192xbf16>
  }
}
