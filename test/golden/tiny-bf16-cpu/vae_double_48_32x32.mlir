module @vae_double_48_32x32 {
  func.func public @main(%arg0: tensor<1x32x32x48xbf16>, %arg1: tensor<48x48x3x3xbf16>, %arg2: tensor<48xbf16>) -> (tensor<1x64x64x48xbf16>) {
    %0 = stablehlo.convert %arg1 : (tensor<48x48x3x3xbf16>) -> tensor<48x48x3x3xf32>
    %1 = stablehlo.slice %0 [0:48, 0:48, 0:1, 0:3] : (tensor<48x48x3x3xf32>) -> tensor<48x48x1x3xf32>
    %2 = stablehlo.slice %0 [0:48, 0:48, 1:2, 0:3] : (tensor<48x48x3x3xf32>) -> tensor<48x48x1x3xf32>
    %3 = stablehlo.slice %0 [0:48, 0:48, 2:3, 0:3] : (tensor<48x48x3x3xf32>) -> tensor<48x48x1x3xf32>
    %4 = stablehlo.add %2, %3 : tensor<48x48x1x3xf32>
    %5 = stablehlo.concatenate %1, %4, dim = 2 : (tensor<48x48x1x3xf32>, tensor<48x48x1x3xf32>) -> tensor<48x48x2x3xf32>
    %6 = stablehlo.slice %5 [0:48, 0:48, 0:2, 0:1] : (tensor<48x48x2x3xf32>) -> tensor<48x48x2x1xf32>
    %7 = stablehlo.slice %5 [0:48, 0:48, 0:2, 1:2] : (tensor<48x48x2x3xf32>) -> tensor<48x48x2x1xf32>
    %8 = stablehlo.slice %5 [0:48, 0:48, 0:2, 2:3] : (tensor<48x48x2x3xf32>) -> tensor<48x48x2x1xf32>
    %9 = stablehlo.add %7, %8 : tensor<48x48x2x1xf32>
    %10 = stablehlo.concatenate %6, %9, dim = 3 : (tensor<48x48x2x1xf32>, tensor<48x48x2x1xf32>) -> tensor<48x48x2x2xf32>
    %11 = stablehlo.add %6, %7 : tensor<48x48x2x1xf32>
    %12 = stablehlo.concatenate %11, %8, dim = 3 : (tensor<48x48x2x1xf32>, tensor<48x48x2x1xf32>) -> tensor<48x48x2x2xf32>
    %13 = stablehlo.add %1, %2 : tensor<48x48x1x3xf32>
    %14 = stablehlo.concatenate %13, %3, dim = 2 : (tensor<48x48x1x3xf32>, tensor<48x48x1x3xf32>) -> tensor<48x48x2x3xf32>
    %15 = stablehlo.slice %14 [0:48, 0:48, 0:2, 0:1] : (tensor<48x48x2x3xf32>) -> tensor<48x48x2x1xf32>
    %16 = stablehlo.slice %14 [0:48, 0:48, 0:2, 1:2] : (tensor<48x48x2x3xf32>) -> tensor<48x48x2x1xf32>
    %17 = stablehlo.slice %14 [0:48, 0:48, 0:2, 2:3] : (tensor<48x48x2x3xf32>) -> tensor<48x48x2x1xf32>
    %18 = stablehlo.add %16, %17 : tensor<48x48x2x1xf32>
    %19 = stablehlo.concatenate %15, %18, dim = 3 : (tensor<48x48x2x1xf32>, tensor<48x48x2x1xf32>) -> tensor<48x48x2x2xf32>
    %20 = stablehlo.add %15, %16 : tensor<48x48x2x1xf32>
    %21 = stablehlo.concatenate %20, %17, dim = 3 : (tensor<48x48x2x1xf32>, tensor<48x48x2x1xf32>) -> tensor<48x48x2x2xf32>
    %22 = stablehlo.concatenate %10, %12, %19, %21, dim = 0 : (tensor<48x48x2x2xf32>, tensor<48x48x2x2xf32>, tensor<48x48x2x2xf32>, tensor<48x48x2x2xf32>) -> tensor<192x48x2x2xf32>
    %23 = stablehlo.convert %22 : (tensor<192x48x2x2xf32>) -> tensor<192x48x2x2xbf16>
    %24 = stablehlo.convolution(%arg0, %23) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x48xbf16>, tensor<192x48x2x2xbf16>) -> tensor<1x33x33x192xbf16>
    %25 = stablehlo.slice %24 [0:1, 0:33, 0:33, 0:48] : (tensor<1x33x33x192xbf16>) -> tensor<1x33x33x48xbf16>
    %26 = stablehlo.slice %25 [0:1, 0:32, 0:33, 0:48] : (tensor<1x33x33x48xbf16>) -> tensor<1x32x33x48xbf16>
    %27 = stablehlo.slice %26 [0:1, 0:32, 0:32, 0:48] : (tensor<1x32x33x48xbf16>) -> tensor<1x32x32x48xbf16>
    %28 = stablehlo.reshape %27 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x1x32x1x48xbf16>
    %29 = stablehlo.slice %24 [0:1, 0:33, 0:33, 48:96] : (tensor<1x33x33x192xbf16>) -> tensor<1x33x33x48xbf16>
    %30 = stablehlo.slice %29 [0:1, 0:32, 0:33, 0:48] : (tensor<1x33x33x48xbf16>) -> tensor<1x32x33x48xbf16>
    %31 = stablehlo.slice %30 [0:1, 0:32, 1:33, 0:48] : (tensor<1x32x33x48xbf16>) -> tensor<1x32x32x48xbf16>
    %32 = stablehlo.reshape %31 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x1x32x1x48xbf16>
    %33 = stablehlo.concatenate %28, %32, dim = 4 : (tensor<1x32x1x32x1x48xbf16>, tensor<1x32x1x32x1x48xbf16>) -> tensor<1x32x1x32x2x48xbf16>
    %34 = stablehlo.slice %24 [0:1, 0:33, 0:33, 96:144] : (tensor<1x33x33x192xbf16>) -> tensor<1x33x33x48xbf16>
    %35 = stablehlo.slice %34 [0:1, 1:33, 0:33, 0:48] : (tensor<1x33x33x48xbf16>) -> tensor<1x32x33x48xbf16>
    %36 = stablehlo.slice %35 [0:1, 0:32, 0:32, 0:48] : (tensor<1x32x33x48xbf16>) -> tensor<1x32x32x48xbf16>
    %37 = stablehlo.reshape %36 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x1x32x1x48xbf16>
    %38 = stablehlo.slice %24 [0:1, 0:33, 0:33, 144:192] : (tensor<1x33x33x192xbf16>) -> tensor<1x33x33x48xbf16>
    %39 = stablehlo.slice %38 [0:1, 1:33, 0:33, 0:48] : (tensor<1x33x33x48xbf16>) -> tensor<1x32x33x48xbf16>
    %40 = stablehlo.slice %39 [0:1, 0:32, 1:33, 0:48] : (tensor<1x32x33x48xbf16>) -> tensor<1x32x32x48xbf16>
    %41 = stablehlo.reshape %40 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x1x32x1x48xbf16>
    %42 = stablehlo.concatenate %37, %41, dim = 4 : (tensor<1x32x1x32x1x48xbf16>, tensor<1x32x1x32x1x48xbf16>) -> tensor<1x32x1x32x2x48xbf16>
    %43 = stablehlo.concatenate %33, %42, dim = 2 : (tensor<1x32x1x32x2x48xbf16>, tensor<1x32x1x32x2x48xbf16>) -> tensor<1x32x2x32x2x48xbf16>
    %44 = stablehlo.reshape %43 : (tensor<1x32x2x32x2x48xbf16>) -> tensor<1x64x64x48xbf16>
    %45 = stablehlo.reshape %arg2 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %46 = stablehlo.reshape %45 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %47 = stablehlo.broadcast_in_dim %46, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x64x64x48xbf16>
    %48 = stablehlo.add %44, %47 : tensor<1x64x64x48xbf16>
    return %48 : tensor<1x64x64x48xbf16>
  }
}
