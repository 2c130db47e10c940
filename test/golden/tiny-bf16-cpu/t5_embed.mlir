module @t5_embed {
  func.func public @main(%arg0: tensor<1x32xi32>, %arg1: tensor<365x128xbf16>) -> (tensor<1x32x128xbf16>) {
    %0 = "stablehlo.gather"(%arg1, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 128>}> : (tensor<365x128xbf16>, tensor<1x32xi32>) -> tensor<1x32x128xbf16>
    return %0 : tensor<1x32x128xbf16>
  }
}
