module @t5_final_norm {
  func.func public @main(%arg0: tensor<1x32x128xbf16>, %arg1: tensor<128xbf16>) -> (tensor<1x32x128xbf16>) {
    %0 = stablehlo.convert %arg0 : (tensor<1x32x128xbf16>) -> tensor<1x32x128xf32>
    %1 = stablehlo.multiply %0, %0 : tensor<1x32x128xf32>
    %2 = stablehlo.constant dense<0.0> : tensor<f32>
    %3 = stablehlo.reduce(%1 init: %2) applies stablehlo.add across dimensions = [2] : (tensor<1x32x128xf32>, tensor<f32>) -> tensor<1x32xf32>
    %4 = stablehlo.reshape %3 : (tensor<1x32xf32>) -> tensor<1x32x1xf32>
    %5 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %6 = stablehlo.broadcast_in_dim %5, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %7 = stablehlo.multiply %4, %6 : tensor<1x32x1xf32>
    %8 = stablehlo.constant dense<0.000001> : tensor<f32>
    %9 = stablehlo.broadcast_in_dim %8, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %10 = stablehlo.add %7, %9 : tensor<1x32x1xf32>
    %11 = stablehlo.rsqrt %10 : tensor<1x32x1xf32>
    %12 = stablehlo.reshape %11 : (tensor<1x32x1xf32>) -> tensor<1x32xf32>
    %13 = stablehlo.broadcast_in_dim %12, dims = [0, 1] : (tensor<1x32xf32>) -> tensor<1x32x128xf32>
    %14 = stablehlo.multiply %0, %13 : tensor<1x32x128xf32>
    %15 = stablehlo.convert %arg1 : (tensor<128xbf16>) -> tensor<128xf32>
    %16 = stablehlo.reshape %15 : (tensor<128xf32>) -> tensor<1x1x128xf32>
    %17 = stablehlo.reshape %16 : (tensor<1x1x128xf32>) -> tensor<1x128xf32>
    %18 = stablehlo.broadcast_in_dim %17, dims = [0, 2] : (tensor<1x128xf32>) -> tensor<1x32x128xf32>
    %19 = stablehlo.multiply %14, %18 : tensor<1x32x128xf32>
    %20 = stablehlo.convert %19 : (tensor<1x32x128xf32>) -> tensor<1x32x128xbf16>
    return %20 : tensor<1x32x128xbf16>
  }
}
