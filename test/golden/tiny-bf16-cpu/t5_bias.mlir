module @t5_bias {
  func.func public @main(%arg0: tensor<32x4xbf16>) -> (tensor<1x4x32x32xbf16>) {
    %0 = stablehlo.constant dense<"0x0B0000000B0000000B0000000B0000000B0000000B0000000B0000000B0000000B0000000A0000000A0000000A0000000A0000000A0000000A0000000A000000090000000900000009000000090000000800000008000000080000000800000007000000060000000500000004000000030000000200000001000000000000001100000012000000130000001400000015000000160000001700000018000000180000001800000018000000190000001900000019000000190000001A0000001A0000001A0000001A0000001A0000001A0000001A0000001B0000001B0000001B0000001B0000001B0000001B0000001B0000001B0000001B000000"> : tensor<63xi32>
    %1 = "stablehlo.gather"(%arg0, %0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 4>}> : (tensor<32x4xbf16>, tensor<63xi32>) -> tensor<63x4xbf16>
    %2 = stablehlo.iota dim = 1 : tensor<32x32xi32>
    %3 = stablehlo.iota dim = 0 : tensor<32x32xi32>
    %4 = stablehlo.subtract %2, %3 : tensor<32x32xi32>
    %5 = stablehlo.constant dense<31> : tensor<i32>
    %6 = stablehlo.broadcast_in_dim %5, dims = [] : (tensor<i32>) -> tensor<32x32xi32>
    %7 = stablehlo.add %4, %6 : tensor<32x32xi32>
    %8 = "stablehlo.gather"(%1, %7) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 4>}> : (tensor<63x4xbf16>, tensor<32x32xi32>) -> tensor<32x32x4xbf16>
    %9 = stablehlo.transpose %8, dims = [2, 0, 1] : (tensor<32x32x4xbf16>) -> tensor<4x32x32xbf16>
    %10 = stablehlo.reshape %9 : (tensor<4x32x32xbf16>) -> tensor<1x4x32x32xbf16>
    return %10 : tensor<1x4x32x32xbf16>
  }
}
