module @clip_embed {
  func.func public @main(%arg0: tensor<1x77xi32>, %arg1: tensor<892x128xbf16>, %arg2: tensor<77x128xbf16>) -> (tensor<1x77x128xbf16>) {
    %0 = "stablehlo.gather"(%arg1, %arg0) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 128>}> : (tensor<892x128xbf16>, tensor<1x77xi32>) -> tensor<1x77x128xbf16>
    %1 = stablehlo.reshape %arg2 : (tensor<77x128xbf16>) -> tensor<1x77x128xbf16>
    %2 = stablehlo.add %0, %1 : tensor<1x77x128xbf16>
    return %2 : tensor<1x77x128xbf16>
  }
}
