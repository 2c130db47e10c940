module @flux_final_layer {
  func.func public @main(%arg0: tensor<1x96x192xbf16>, %arg1: tensor<1x2x192xbf16>, %arg2: tensor<64x192xbf16>, %arg3: tensor<64xbf16>) -> (tensor<1x64x64xf32>) {
    %0 = stablehlo.slice %arg0 [0:1, 32:96, 0:192] : (tensor<1x96x192xbf16>) -> tensor<1x64x192xbf16>
    %1 = stablehlo.convert %0 : (tensor<1x64x192xbf16>) -> tensor<1x64x192xf32>
    %2 = stablehlo.constant dense<0.0> : tensor<f32>
    %3 = stablehlo.reduce(%1 init: %2) applies stablehlo.add across dimensions = [2] : (tensor<1x64x192xf32>, tensor<f32>) -> tensor<1x64xf32>
    %4 = stablehlo.reshape %3 : (tensor<1x64xf32>) -> tensor<1x64x1xf32>
    %5 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %6 = stablehlo.broadcast_in_dim %5, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %7 = stablehlo.multiply %4, %6 : tensor<1x64x1xf32>
    %8 = stablehlo.reshape %7 : (tensor<1x64x1xf32>) -> tensor<1x64xf32>
    %9 = stablehlo.broadcast_in_dim %8, dims = [0, 1] : (tensor<1x64xf32>) -> tensor<1x64x192xf32>
    %10 = stablehlo.subtract %1, %9 : tensor<1x64x192xf32>
    %11 = stablehlo.multiply %10, %10 : tensor<1x64x192xf32>
    %12 = stablehlo.constant dense<0.0> : tensor<f32>
    %13 = stablehlo.reduce(%11 init: %12) applies stablehlo.add across dimensions = [2] : (tensor<1x64x192xf32>, tensor<f32>) -> tensor<1x64xf32>
    %14 = stablehlo.reshape %13 : (tensor<1x64xf32>) -> tensor<1x64x1xf32>
    %15 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %16 = stablehlo.broadcast_in_dim %15, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %17 = stablehlo.multiply %14, %16 : tensor<1x64x1xf32>
    %18 = stablehlo.constant dense<0.000001> : tensor<f32>
    %19 = stablehlo.broadcast_in_dim %18, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %20 = stablehlo.add %17, %19 : tensor<1x64x1xf32>
    %21 = stablehlo.rsqrt %20 : tensor<1x64x1xf32>
    %22 = stablehlo.reshape %21 : (tensor<1x64x1xf32>) -> tensor<1x64xf32>
    %23 = stablehlo.broadcast_in_dim %22, dims = [0, 1] : (tensor<1x64xf32>) -> tensor<1x64x192xf32>
    %24 = stablehlo.multiply %10, %23 : tensor<1x64x192xf32>
    %25 = stablehlo.convert %24 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %26 = stablehlo.slice %arg1 [0:1, 1:2, 0:192] : (tensor<1x2x192xbf16>) -> tensor<1x1x192xbf16>
    %27 = stablehlo.constant dense<1.0> : tensor<bf16>
    %28 = stablehlo.broadcast_in_dim %27, dims = [] : (tensor<bf16>) -> tensor<1x1x192xbf16>
    %29 = stablehlo.add %26, %28 : tensor<1x1x192xbf16>
    %30 = stablehlo.reshape %29 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %31 = stablehlo.broadcast_in_dim %30, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %32 = stablehlo.multiply %25, %31 : tensor<1x64x192xbf16>
    %33 = stablehlo.slice %arg1 [0:1, 0:1, 0:192] : (tensor<1x2x192xbf16>) -> tensor<1x1x192xbf16>
    %34 = stablehlo.reshape %33 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %35 = stablehlo.broadcast_in_dim %34, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %36 = stablehlo.add %32, %35 : tensor<1x64x192xbf16>
    %37 = stablehlo.dot_general %36, %arg2, contracting_dims = [2] x [1] : (tensor<1x64x192xbf16>, tensor<64x192xbf16>) -> tensor<1x64x64xf32>
    %38 = stablehlo.convert %37 : (tensor<1x64x64xf32>) -> tensor<1x64x64xbf16>
    %39 = stablehlo.reshape %arg3 : (tensor<64xbf16>) -> tensor<1x1x64xbf16>
    %40 = stablehlo.reshape %39 : (tensor<1x1x64xbf16>) -> tensor<1x64xbf16>
    %41 = stablehlo.broadcast_in_dim %40, dims = [0, 2] : (tensor<1x64xbf16>) -> tensor<1x64x64xbf16>
    %42 = stablehlo.add %38, %41 : tensor<1x64x64xbf16>
    %43 = stablehlo.convert %42 : (tensor<1x64x64xbf16>) -> tensor<1x64x64xf32>
    return %43 : tensor<1x64x64xf32>
  }
}
