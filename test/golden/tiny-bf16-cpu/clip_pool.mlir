module @clip_pool {
  func.func public @main(%arg0: tensor<1x77x128xbf16>, %arg1: tensor<1xi32>, %arg2: tensor<128xbf16>, %arg3: tensor<128xbf16>) -> (tensor<1x128xbf16>) {
    %0 = stablehlo.reshape %arg0 : (tensor<1x77x128xbf16>) -> tensor<77x128xbf16>
    %1 = stablehlo.iota dim = 0 : tensor<1xi32>
    %2 = stablehlo.constant dense<77> : tensor<i32>
    %3 = stablehlo.broadcast_in_dim %2, dims = [] : (tensor<i32>) -> tensor<1xi32>
    %4 = stablehlo.multiply %1, %3 : tensor<1xi32>
    %5 = stablehlo.add %4, %arg1 : tensor<1xi32>
    %6 = "stablehlo.gather"(%0, %5) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 128>}> : (tensor<77x128xbf16>, tensor<1xi32>) -> tensor<1x128xbf16>
    %7 = stablehlo.convert %6 : (tensor<1x128xbf16>) -> tensor<1x128xf32>
    %8 = stablehlo.constant dense<0.0> : tensor<f32>
    %9 = stablehlo.reduce(%7 init: %8) applies stablehlo.add across dimensions = [1] : (tensor<1x128xf32>, tensor<f32>) -> tensor<1xf32>
    %10 = stablehlo.reshape %9 : (tensor<1xf32>) -> tensor<1x1xf32>
    %11 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %12 = stablehlo.broadcast_in_dim %11, dims = [] : (tensor<f32>) -> tensor<1x1xf32>
    %13 = stablehlo.multiply %10, %12 : tensor<1x1xf32>
    %14 = stablehlo.reshape %13 : (tensor<1x1xf32>) -> tensor<1xf32>
    %15 = stablehlo.broadcast_in_dim %14, dims = [0] : (tensor<1xf32>) -> tensor<1x128xf32>
    %16 = stablehlo.subtract %7, %15 : tensor<1x128xf32>
    %17 = stablehlo.multiply %16, %16 : tensor<1x128xf32>
    %18 = stablehlo.constant dense<0.0> : tensor<f32>
    %19 = stablehlo.reduce(%17 init: %18) applies stablehlo.add across dimensions = [1] : (tensor<1x128xf32>, tensor<f32>) -> tensor<1xf32>
    %20 = stablehlo.reshape %19 : (tensor<1xf32>) -> tensor<1x1xf32>
    %21 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %22 = stablehlo.broadcast_in_dim %21, dims = [] : (tensor<f32>) -> tensor<1x1xf32>
    %23 = stablehlo.multiply %20, %22 : tensor<1x1xf32>
    %24 = stablehlo.constant dense<0.00001> : tensor<f32>
    %25 = stablehlo.broadcast_in_dim %24, dims = [] : (tensor<f32>) -> tensor<1x1xf32>
    %26 = stablehlo.add %23, %25 : tensor<1x1xf32>
    %27 = stablehlo.rsqrt %26 : tensor<1x1xf32>
    %28 = stablehlo.reshape %27 : (tensor<1x1xf32>) -> tensor<1xf32>
    %29 = stablehlo.broadcast_in_dim %28, dims = [0] : (tensor<1xf32>) -> tensor<1x128xf32>
    %30 = stablehlo.multiply %16, %29 : tensor<1x128xf32>
    %31 = stablehlo.convert %arg2 : (tensor<128xbf16>) -> tensor<128xf32>
    %32 = stablehlo.reshape %31 : (tensor<128xf32>) -> tensor<1x128xf32>
    %33 = stablehlo.multiply %30, %32 : tensor<1x128xf32>
    %34 = stablehlo.convert %arg3 : (tensor<128xbf16>) -> tensor<128xf32>
    %35 = stablehlo.reshape %34 : (tensor<128xf32>) -> tensor<1x128xf32>
    %36 = stablehlo.add %33, %35 : tensor<1x128xf32>
    %37 = stablehlo.convert %36 : (tensor<1x128xf32>) -> tensor<1x128xbf16>
    return %37 : tensor<1x128xbf16>
  }
}
