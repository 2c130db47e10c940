module @vae_encode {
  func.func public @main(%arg0: tensor<1x128x128x3xf32>, %arg1: tensor<16xbf16>, %arg2: tensor<16xbf16>, %arg3: tensor<16x16x3x3xbf16>, %arg4: tensor<16xbf16>, %arg5: tensor<16xbf16>, %arg6: tensor<16xbf16>, %arg7: tensor<16x16x3x3xbf16>, %arg8: tensor<16xbf16>, %arg9: tensor<16x16x3x3xbf16>, %arg10: tensor<16xbf16>, %arg11: tensor<16xbf16>, %arg12: tensor<16xbf16>, %arg13: tensor<32x16x3x3xbf16>, %arg14: tensor<32xbf16>, %arg15: tensor<32xbf16>, %arg16: tensor<32xbf16>, %arg17: tensor<32x32x3x3xbf16>, %arg18: tensor<32xbf16>, %arg19: tensor<32x16x1x1xbf16>, %arg20: tensor<32xbf16>, %arg21: tensor<32x32x3x3xbf16>, %arg22: tensor<32xbf16>, %arg23: tensor<32xbf16>, %arg24: tensor<32xbf16>, %arg25: tensor<48x32x3x3xbf16>, %arg26: tensor<48xbf16>, %arg27: tensor<48xbf16>, %arg28: tensor<48xbf16>, %arg29: tensor<48x48x3x3xbf16>, %arg30: tensor<48xbf16>, %arg31: tensor<48x32x1x1xbf16>, %arg32: tensor<48xbf16>, %arg33: tensor<48x48x3x3xbf16>, %arg34: tensor<48xbf16>, %arg35: tensor<48xbf16>, %arg36: tensor<48xbf16>, %arg37: tensor<64x48x3x3xbf16>, %arg38: tensor<64xbf16>, %arg39: tensor<64xbf16>, %arg40: tensor<64xbf16>, %arg41: tensor<64x64x3x3xbf16>, %arg42: tensor<64xbf16>, %arg43: tensor<64x48x1x1xbf16>, %arg44: tensor<64xbf16>, %arg45: tensor<16x3x3x3xbf16>, %arg46: tensor<16xbf16>, %arg47: tensor<64xbf16>, %arg48: tensor<64xbf16>, %arg49: tensor<64x64x3x3xbf16>, %arg50: tensor<64xbf16>, %arg51: tensor<64xbf16>, %arg52: tensor<64xbf16>, %arg53: tensor<64x64x3x3xbf16>, %arg54: tensor<64xbf16>, %arg55: tensor<64xbf16>, %arg56: tensor<64xbf16>, %arg57: tensor<64x64xbf16>, %arg58: tensor<64xbf16>, %arg59: tensor<64x64xbf16>, %arg60: tensor<64xbf16>, %arg61: tensor<64x64xbf16>, %arg62: tensor<64xbf16>, %arg63: tensor<64x64xbf16>, %arg64: tensor<64xbf16>, %arg65: tensor<64xbf16>, %arg66: tensor<64xbf16>, %arg67: tensor<64x64x3x3xbf16>, %arg68: tensor<64xbf16>, %arg69: tensor<64xbf16>, %arg70: tensor<64xbf16>, %arg71: tensor<64x64x3x3xbf16>, %arg72: tensor<64xbf16>, %arg73: tensor<64xbf16>, %arg74: tensor<64xbf16>, %arg75: tensor<32x64x3x3xbf16>, %arg76: tensor<32xbf16>) -> (tensor<1x16x16x32xf32>, tensor<1x64x64xf32>) {
    %0 = stablehlo.convert %arg0 : (tensor<1x128x128x3xf32>) -> tensor<1x128x128x3xbf16>
    %1 = stablehlo.convolution(%0, %arg45) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x3xbf16>, tensor<16x3x3x3xbf16>) -> tensor<1x128x128x16xbf16>
    %2 = stablehlo.reshape %arg46 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %3 = stablehlo.reshape %2 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %4 = stablehlo.broadcast_in_dim %3, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %5 = stablehlo.add %1, %4 : tensor<1x128x128x16xbf16>
    %6 = stablehlo.convert %5 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %7 = stablehlo.constant dense<0.0> : tensor<f32>
    %8 = stablehlo.reduce(%6 init: %7) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %9 = stablehlo.reshape %8 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %10 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %11 = stablehlo.broadcast_in_dim %10, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %12 = stablehlo.multiply %9, %11 : tensor<1x128x1x16xf32>
    %13 = stablehlo.constant dense<0.0> : tensor<f32>
    %14 = stablehlo.reduce(%12 init: %13) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %15 = stablehlo.reshape %14 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %16 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %17 = stablehlo.broadcast_in_dim %16, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %18 = stablehlo.multiply %15, %17 : tensor<1x1x1x16xf32>
    %19 = stablehlo.reshape %18 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %20 = stablehlo.constant dense<0.0> : tensor<f32>
    %21 = stablehlo.reduce(%19 init: %20) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %22 = stablehlo.reshape %21 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %23 = stablehlo.constant dense<0.5> : tensor<f32>
    %24 = stablehlo.broadcast_in_dim %23, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %25 = stablehlo.multiply %22, %24 : tensor<1x8x1xf32>
    %26 = stablehlo.reshape %25 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %27 = stablehlo.broadcast_in_dim %26, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %28 = stablehlo.reshape %27 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %29 = stablehlo.reshape %28 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %30 = stablehlo.broadcast_in_dim %29, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %31 = stablehlo.subtract %6, %30 : tensor<1x128x128x16xf32>
    %32 = stablehlo.multiply %31, %31 : tensor<1x128x128x16xf32>
    %33 = stablehlo.constant dense<0.0> : tensor<f32>
    %34 = stablehlo.reduce(%32 init: %33) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %35 = stablehlo.reshape %34 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %36 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %37 = stablehlo.broadcast_in_dim %36, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %38 = stablehlo.multiply %35, %37 : tensor<1x128x1x16xf32>
    %39 = stablehlo.constant dense<0.0> : tensor<f32>
    %40 = stablehlo.reduce(%38 init: %39) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %41 = stablehlo.reshape %40 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %42 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %43 = stablehlo.broadcast_in_dim %42, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %44 = stablehlo.multiply %41, %43 : tensor<1x1x1x16xf32>
    %45 = stablehlo.reshape %44 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %46 = stablehlo.constant dense<0.0> : tensor<f32>
    %47 = stablehlo.reduce(%45 init: %46) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %48 = stablehlo.reshape %47 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %49 = stablehlo.constant dense<0.5> : tensor<f32>
    %50 = stablehlo.broadcast_in_dim %49, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %51 = stablehlo.multiply %48, %50 : tensor<1x8x1xf32>
    %52 = stablehlo.reshape %51 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %53 = stablehlo.broadcast_in_dim %52, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %54 = stablehlo.reshape %53 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %55 = stablehlo.constant dense<0.000001> : tensor<f32>
    %56 = stablehlo.broadcast_in_dim %55, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %57 = stablehlo.add %54, %56 : tensor<1x1x1x16xf32>
    %58 = stablehlo.rsqrt %57 : tensor<1x1x1x16xf32>
    %59 = stablehlo.convert %arg1 : (tensor<16xbf16>) -> tensor<16xf32>
    %60 = stablehlo.reshape %59 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %61 = stablehlo.multiply %58, %60 : tensor<1x1x1x16xf32>
    %62 = stablehlo.reshape %61 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %63 = stablehlo.broadcast_in_dim %62, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %64 = stablehlo.multiply %31, %63 : tensor<1x128x128x16xf32>
    %65 = stablehlo.convert %arg2 : (tensor<16xbf16>) -> tensor<16xf32>
    %66 = stablehlo.reshape %65 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %67 = stablehlo.reshape %66 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %68 = stablehlo.broadcast_in_dim %67, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %69 = stablehlo.add %64, %68 : tensor<1x128x128x16xf32>
    %70 = stablehlo.convert %69 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %71 = stablehlo.convert %70 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %72 = stablehlo.logistic %71 : tensor<1x128x128x16xf32>
    %73 = stablehlo.multiply %71, %72 : tensor<1x128x128x16xf32>
    %74 = stablehlo.convert %73 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %75 = stablehlo.convolution(%74, %arg3) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x16xbf16>, tensor<16x16x3x3xbf16>) -> tensor<1x128x128x16xbf16>
    %76 = stablehlo.reshape %arg4 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %77 = stablehlo.reshape %76 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %78 = stablehlo.broadcast_in_dim %77, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %79 = stablehlo.add %75, %78 : tensor<1x128x128x16xbf16>
    %80 = stablehlo.convert %79 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %81 = stablehlo.constant dense<0.0> : tensor<f32>
    %82 = stablehlo.reduce(%80 init: %81) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %83 = stablehlo.reshape %82 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %84 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %85 = stablehlo.broadcast_in_dim %84, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %86 = stablehlo.multiply %83, %85 : tensor<1x128x1x16xf32>
    %87 = stablehlo.constant dense<0.0> : tensor<f32>
    %88 = stablehlo.reduce(%86 init: %87) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %89 = stablehlo.reshape %88 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %90 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %91 = stablehlo.broadcast_in_dim %90, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %92 = stablehlo.multiply %89, %91 : tensor<1x1x1x16xf32>
    %93 = stablehlo.reshape %92 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %94 = stablehlo.constant dense<0.0> : tensor<f32>
    %95 = stablehlo.reduce(%93 init: %94) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %96 = stablehlo.reshape %95 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %97 = stablehlo.constant dense<0.5> : tensor<f32>
    %98 = stablehlo.broadcast_in_dim %97, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %99 = stablehlo.multiply %96, %98 : tensor<1x8x1xf32>
    %100 = stablehlo.reshape %99 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %101 = stablehlo.broadcast_in_dim %100, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %102 = stablehlo.reshape %101 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %103 = stablehlo.reshape %102 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %104 = stablehlo.broadcast_in_dim %103, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %105 = stablehlo.subtract %80, %104 : tensor<1x128x128x16xf32>
    %106 = stablehlo.multiply %105, %105 : tensor<1x128x128x16xf32>
    %107 = stablehlo.constant dense<0.0> : tensor<f32>
    %108 = stablehlo.reduce(%106 init: %107) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %109 = stablehlo.reshape %108 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %110 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %111 = stablehlo.broadcast_in_dim %110, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %112 = stablehlo.multiply %109, %111 : tensor<1x128x1x16xf32>
    %113 = stablehlo.constant dense<0.0> : tensor<f32>
    %114 = stablehlo.reduce(%112 init: %113) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %115 = stablehlo.reshape %114 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %116 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %117 = stablehlo.broadcast_in_dim %116, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %118 = stablehlo.multiply %115, %117 : tensor<1x1x1x16xf32>
    %119 = stablehlo.reshape %118 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %120 = stablehlo.constant dense<0.0> : tensor<f32>
    %121 = stablehlo.reduce(%119 init: %120) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %122 = stablehlo.reshape %121 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %123 = stablehlo.constant dense<0.5> : tensor<f32>
    %124 = stablehlo.broadcast_in_dim %123, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %125 = stablehlo.multiply %122, %124 : tensor<1x8x1xf32>
    %126 = stablehlo.reshape %125 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %127 = stablehlo.broadcast_in_dim %126, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %128 = stablehlo.reshape %127 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %129 = stablehlo.constant dense<0.000001> : tensor<f32>
    %130 = stablehlo.broadcast_in_dim %129, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %131 = stablehlo.add %128, %130 : tensor<1x1x1x16xf32>
    %132 = stablehlo.rsqrt %131 : tensor<1x1x1x16xf32>
    %133 = stablehlo.convert %arg5 : (tensor<16xbf16>) -> tensor<16xf32>
    %134 = stablehlo.reshape %133 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %135 = stablehlo.multiply %132, %134 : tensor<1x1x1x16xf32>
    %136 = stablehlo.reshape %135 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %137 = stablehlo.broadcast_in_dim %136, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %138 = stablehlo.multiply %105, %137 : tensor<1x128x128x16xf32>
    %139 = stablehlo.convert %arg6 : (tensor<16xbf16>) -> tensor<16xf32>
    %140 = stablehlo.reshape %139 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %141 = stablehlo.reshape %140 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %142 = stablehlo.broadcast_in_dim %141, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %143 = stablehlo.add %138, %142 : tensor<1x128x128x16xf32>
    %144 = stablehlo.convert %143 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %145 = stablehlo.convert %144 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %146 = stablehlo.logistic %145 : tensor<1x128x128x16xf32>
    %147 = stablehlo.multiply %145, %146 : tensor<1x128x128x16xf32>
    %148 = stablehlo.convert %147 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %149 = stablehlo.convolution(%148, %arg7) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x16xbf16>, tensor<16x16x3x3xbf16>) -> tensor<1x128x128x16xbf16>
    %150 = stablehlo.reshape %arg8 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %151 = stablehlo.reshape %150 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %152 = stablehlo.broadcast_in_dim %151, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %153 = stablehlo.add %149, %152 : tensor<1x128x128x16xbf16>
    %154 = stablehlo.add %5, %153 : tensor<1x128x128x16xbf16>
    %155 = stablehlo.convolution(%154, %arg9) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 1], [0, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x16xbf16>, tensor<16x16x3x3xbf16>) -> tensor<1x64x64x16xbf16>
    %156 = stablehlo.reshape %arg10 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %157 = stablehlo.reshape %156 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %158 = stablehlo.broadcast_in_dim %157, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x64x64x16xbf16>
    %159 = stablehlo.add %155, %158 : tensor<1x64x64x16xbf16>
    %160 = stablehlo.convolution(%159, %arg19) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x16xbf16>, tensor<32x16x1x1xbf16>) -> tensor<1x64x64x32xbf16>
    %161 = stablehlo.reshape %arg20 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %162 = stablehlo.reshape %161 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %163 = stablehlo.broadcast_in_dim %162, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %164 = stablehlo.add %160, %163 : tensor<1x64x64x32xbf16>
    %165 = stablehlo.convert %159 : (tensor<1x64x64x16xbf16>) -> tensor<1x64x64x16xf32>
    %166 = stablehlo.constant dense<0.0> : tensor<f32>
    %167 = stablehlo.reduce(%165 init: %166) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x16xf32>, tensor<f32>) -> tensor<1x64x16xf32>
    %168 = stablehlo.reshape %167 : (tensor<1x64x16xf32>) -> tensor<1x64x1x16xf32>
    %169 = stablehlo.constant dense<0.015625> : tensor<f32>
    %170 = stablehlo.broadcast_in_dim %169, dims = [] : (tensor<f32>) -> tensor<1x64x1x16xf32>
    %171 = stablehlo.multiply %168, %170 : tensor<1x64x1x16xf32>
    %172 = stablehlo.constant dense<0.0> : tensor<f32>
    %173 = stablehlo.reduce(%171 init: %172) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %174 = stablehlo.reshape %173 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %175 = stablehlo.constant dense<0.015625> : tensor<f32>
    %176 = stablehlo.broadcast_in_dim %175, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %177 = stablehlo.multiply %174, %176 : tensor<1x1x1x16xf32>
    %178 = stablehlo.reshape %177 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %179 = stablehlo.constant dense<0.0> : tensor<f32>
    %180 = stablehlo.reduce(%178 init: %179) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %181 = stablehlo.reshape %180 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %182 = stablehlo.constant dense<0.5> : tensor<f32>
    %183 = stablehlo.broadcast_in_dim %182, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %184 = stablehlo.multiply %181, %183 : tensor<1x8x1xf32>
    %185 = stablehlo.reshape %184 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %186 = stablehlo.broadcast_in_dim %185, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %187 = stablehlo.reshape %186 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %188 = stablehlo.reshape %187 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %189 = stablehlo.broadcast_in_dim %188, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x64x64x16xf32>
    %190 = stablehlo.subtract %165, %189 : tensor<1x64x64x16xf32>
    %191 = stablehlo.multiply %190, %190 : tensor<1x64x64x16xf32>
    %192 = stablehlo.constant dense<0.0> : tensor<f32>
    %193 = stablehlo.reduce(%191 init: %192) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x16xf32>, tensor<f32>) -> tensor<1x64x16xf32>
    %194 = stablehlo.reshape %193 : (tensor<1x64x16xf32>) -> tensor<1x64x1x16xf32>
    %195 = stablehlo.constant dense<0.015625> : tensor<f32>
    %196 = stablehlo.broadcast_in_dim %195, dims = [] : (tensor<f32>) -> tensor<1x64x1x16xf32>
    %197 = stablehlo.multiply %194, %196 : tensor<1x64x1x16xf32>
    %198 = stablehlo.constant dense<0.0> : tensor<f32>
    %199 = stablehlo.reduce(%197 init: %198) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %200 = stablehlo.reshape %199 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %201 = stablehlo.constant dense<0.015625> : tensor<f32>
    %202 = stablehlo.broadcast_in_dim %201, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %203 = stablehlo.multiply %200, %202 : tensor<1x1x1x16xf32>
    %204 = stablehlo.reshape %203 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %205 = stablehlo.constant dense<0.0> : tensor<f32>
    %206 = stablehlo.reduce(%204 init: %205) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %207 = stablehlo.reshape %206 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %208 = stablehlo.constant dense<0.5> : tensor<f32>
    %209 = stablehlo.broadcast_in_dim %208, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %210 = stablehlo.multiply %207, %209 : tensor<1x8x1xf32>
    %211 = stablehlo.reshape %210 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %212 = stablehlo.broadcast_in_dim %211, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %213 = stablehlo.reshape %212 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %214 = stablehlo.constant dense<0.000001> : tensor<f32>
    %215 = stablehlo.broadcast_in_dim %214, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %216 = stablehlo.add %213, %215 : tensor<1x1x1x16xf32>
    %217 = stablehlo.rsqrt %216 : tensor<1x1x1x16xf32>
    %218 = stablehlo.convert %arg11 : (tensor<16xbf16>) -> tensor<16xf32>
    %219 = stablehlo.reshape %218 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %220 = stablehlo.multiply %217, %219 : tensor<1x1x1x16xf32>
    %221 = stablehlo.reshape %220 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %222 = stablehlo.broadcast_in_dim %221, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x64x64x16xf32>
    %223 = stablehlo.multiply %190, %222 : tensor<1x64x64x16xf32>
    %224 = stablehlo.convert %arg12 : (tensor<16xbf16>) -> tensor<16xf32>
    %225 = stablehlo.reshape %224 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %226 = stablehlo.reshape %225 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %227 = stablehlo.broadcast_in_dim %226, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x64x64x16xf32>
    %228 = stablehlo.add %223, %227 : tensor<1x64x64x16xf32>
    %229 = stablehlo.convert %228 : (tensor<1x64x64x16xf32>) -> tensor<1x64x64x16xbf16>
    %230 = stablehlo.convert %229 : (tensor<1x64x64x16xbf16>) -> tensor<1x64x64x16xf32>
    %231 = stablehlo.logistic %230 : tensor<1x64x64x16xf32>
    %232 = stablehlo.multiply %230, %231 : tensor<1x64x64x16xf32>
    %233 = stablehlo.convert %232 : (tensor<1x64x64x16xf32>) -> tensor<1x64x64x16xbf16>
    %234 = stablehlo.convolution(%233, %arg13) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x16xbf16>, tensor<32x16x3x3xbf16>) -> tensor<1x64x64x32xbf16>
    %235 = stablehlo.reshape %arg14 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %236 = stablehlo.reshape %235 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %237 = stablehlo.broadcast_in_dim %236, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %238 = stablehlo.add %234, %237 : tensor<1x64x64x32xbf16>
    %239 = stablehlo.convert %238 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x64x32xf32>
    %240 = stablehlo.constant dense<0.0> : tensor<f32>
    %241 = stablehlo.reduce(%239 init: %240) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x32xf32>, tensor<f32>) -> tensor<1x64x32xf32>
    %242 = stablehlo.reshape %241 : (tensor<1x64x32xf32>) -> tensor<1x64x1x32xf32>
    %243 = stablehlo.constant dense<0.015625> : tensor<f32>
    %244 = stablehlo.broadcast_in_dim %243, dims = [] : (tensor<f32>) -> tensor<1x64x1x32xf32>
    %245 = stablehlo.multiply %242, %244 : tensor<1x64x1x32xf32>
    %246 = stablehlo.constant dense<0.0> : tensor<f32>
    %247 = stablehlo.reduce(%245 init: %246) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %248 = stablehlo.reshape %247 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %249 = stablehlo.constant dense<0.015625> : tensor<f32>
    %250 = stablehlo.broadcast_in_dim %249, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %251 = stablehlo.multiply %248, %250 : tensor<1x1x1x32xf32>
    %252 = stablehlo.reshape %251 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %253 = stablehlo.constant dense<0.0> : tensor<f32>
    %254 = stablehlo.reduce(%252 init: %253) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %255 = stablehlo.reshape %254 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %256 = stablehlo.constant dense<0.25> : tensor<f32>
    %257 = stablehlo.broadcast_in_dim %256, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %258 = stablehlo.multiply %255, %257 : tensor<1x8x1xf32>
    %259 = stablehlo.reshape %258 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %260 = stablehlo.broadcast_in_dim %259, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %261 = stablehlo.reshape %260 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %262 = stablehlo.reshape %261 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %263 = stablehlo.broadcast_in_dim %262, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %264 = stablehlo.subtract %239, %263 : tensor<1x64x64x32xf32>
    %265 = stablehlo.multiply %264, %264 : tensor<1x64x64x32xf32>
    %266 = stablehlo.constant dense<0.0> : tensor<f32>
    %267 = stablehlo.reduce(%265 init: %266) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x32xf32>, tensor<f32>) -> tensor<1x64x32xf32>
    %268 = stablehlo.reshape %267 : (tensor<1x64x32xf32>) -> tensor<1x64x1x32xf32>
    %269 = stablehlo.constant dense<0.015625> : tensor<f32>
    %270 = stablehlo.broadcast_in_dim %269, dims = [] : (tensor<f32>) -> tensor<1x64x1x32xf32>
    %271 = stablehlo.multiply %268, %270 : tensor<1x64x1x32xf32>
    %272 = stablehlo.constant dense<0.0> : tensor<f32>
    %273 = stablehlo.reduce(%271 init: %272) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %274 = stablehlo.reshape %273 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %275 = stablehlo.constant dense<0.015625> : tensor<f32>
    %276 = stablehlo.broadcast_in_dim %275, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %277 = stablehlo.multiply %274, %276 : tensor<1x1x1x32xf32>
    %278 = stablehlo.reshape %277 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %279 = stablehlo.constant dense<0.0> : tensor<f32>
    %280 = stablehlo.reduce(%278 init: %279) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %281 = stablehlo.reshape %280 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %282 = stablehlo.constant dense<0.25> : tensor<f32>
    %283 = stablehlo.broadcast_in_dim %282, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %284 = stablehlo.multiply %281, %283 : tensor<1x8x1xf32>
    %285 = stablehlo.reshape %284 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %286 = stablehlo.broadcast_in_dim %285, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %287 = stablehlo.reshape %286 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %288 = stablehlo.constant dense<0.000001> : tensor<f32>
    %289 = stablehlo.broadcast_in_dim %288, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %290 = stablehlo.add %287, %289 : tensor<1x1x1x32xf32>
    %291 = stablehlo.rsqrt %290 : tensor<1x1x1x32xf32>
    %292 = stablehlo.convert %arg15 : (tensor<32xbf16>) -> tensor<32xf32>
    %293 = stablehlo.reshape %292 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %294 = stablehlo.multiply %291, %293 : tensor<1x1x1x32xf32>
    %295 = stablehlo.reshape %294 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %296 = stablehlo.broadcast_in_dim %295, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %297 = stablehlo.multiply %264, %296 : tensor<1x64x64x32xf32>
    %298 = stablehlo.convert %arg16 : (tensor<32xbf16>) -> tensor<32xf32>
    %299 = stablehlo.reshape %298 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %300 = stablehlo.reshape %299 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %301 = stablehlo.broadcast_in_dim %300, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %302 = stablehlo.add %297, %301 : tensor<1x64x64x32xf32>
    %303 = stablehlo.convert %302 : (tensor<1x64x64x32xf32>) -> tensor<1x64x64x32xbf16>
    %304 = stablehlo.convert %303 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x64x32xf32>
    %305 = stablehlo.logistic %304 : tensor<1x64x64x32xf32>
    %306 = stablehlo.multiply %304, %305 : tensor<1x64x64x32xf32>
    %307 = stablehlo.convert %306 : (tensor<1x64x64x32xf32>) -> tensor<1x64x64x32xbf16>
    %308 = stablehlo.convolution(%307, %arg17) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x32xbf16>, tensor<32x32x3x3xbf16>) -> tensor<1x64x64x32xbf16>
    %309 = stablehlo.reshape %arg18 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %310 = stablehlo.reshape %309 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %311 = stablehlo.broadcast_in_dim %310, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %312 = stablehlo.add %308, %311 : tensor<1x64x64x32xbf16>
    %313 = stablehlo.add %164, %312 : tensor<1x64x64x32xbf16>
    %314 = stablehlo.convolution(%313, %arg21) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 1], [0, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x32xbf16>, tensor<32x32x3x3xbf16>) -> tensor<1x32x32x32xbf16>
    %315 = stablehlo.reshape %arg22 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %316 = stablehlo.reshape %315 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %317 = stablehlo.broadcast_in_dim %316, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x32x32x32xbf16>
    %318 = stablehlo.add %314, %317 : tensor<1x32x32x32xbf16>
    %319 = stablehlo.convolution(%318, %arg31) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x32xbf16>, tensor<48x32x1x1xbf16>) -> tensor<1x32x32x48xbf16>
    %320 = stablehlo.reshape %arg32 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %321 = stablehlo.reshape %320 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %322 = stablehlo.broadcast_in_dim %321, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %323 = stablehlo.add %319, %322 : tensor<1x32x32x48xbf16>
    %324 = stablehlo.convert %318 : (tensor<1x32x32x32xbf16>) -> tensor<1x32x32x32xf32>
    %325 = stablehlo.constant dense<0.0> : tensor<f32>
    %326 = stablehlo.reduce(%324 init: %325) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x32xf32>, tensor<f32>) -> tensor<1x32x32xf32>
    %327 = stablehlo.reshape %326 : (tensor<1x32x32xf32>) -> tensor<1x32x1x32xf32>
    %328 = stablehlo.constant dense<0.03125> : tensor<f32>
    %329 = stablehlo.broadcast_in_dim %328, dims = [] : (tensor<f32>) -> tensor<1x32x1x32xf32>
    %330 = stablehlo.multiply %327, %329 : tensor<1x32x1x32xf32>
    %331 = stablehlo.constant dense<0.0> : tensor<f32>
    %332 = stablehlo.reduce(%330 init: %331) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %333 = stablehlo.reshape %332 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %334 = stablehlo.constant dense<0.03125> : tensor<f32>
    %335 = stablehlo.broadcast_in_dim %334, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %336 = stablehlo.multiply %333, %335 : tensor<1x1x1x32xf32>
    %337 = stablehlo.reshape %336 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %338 = stablehlo.constant dense<0.0> : tensor<f32>
    %339 = stablehlo.reduce(%337 init: %338) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %340 = stablehlo.reshape %339 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %341 = stablehlo.constant dense<0.25> : tensor<f32>
    %342 = stablehlo.broadcast_in_dim %341, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %343 = stablehlo.multiply %340, %342 : tensor<1x8x1xf32>
    %344 = stablehlo.reshape %343 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %345 = stablehlo.broadcast_in_dim %344, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %346 = stablehlo.reshape %345 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %347 = stablehlo.reshape %346 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %348 = stablehlo.broadcast_in_dim %347, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x32x32x32xf32>
    %349 = stablehlo.subtract %324, %348 : tensor<1x32x32x32xf32>
    %350 = stablehlo.multiply %349, %349 : tensor<1x32x32x32xf32>
    %351 = stablehlo.constant dense<0.0> : tensor<f32>
    %352 = stablehlo.reduce(%350 init: %351) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x32xf32>, tensor<f32>) -> tensor<1x32x32xf32>
    %353 = stablehlo.reshape %352 : (tensor<1x32x32xf32>) -> tensor<1x32x1x32xf32>
    %354 = stablehlo.constant dense<0.03125> : tensor<f32>
    %355 = stablehlo.broadcast_in_dim %354, dims = [] : (tensor<f32>) -> tensor<1x32x1x32xf32>
    %356 = stablehlo.multiply %353, %355 : tensor<1x32x1x32xf32>
    %357 = stablehlo.constant dense<0.0> : tensor<f32>
    %358 = stablehlo.reduce(%356 init: %357) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %359 = stablehlo.reshape %358 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %360 = stablehlo.constant dense<0.03125> : tensor<f32>
    %361 = stablehlo.broadcast_in_dim %360, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %362 = stablehlo.multiply %359, %361 : tensor<1x1x1x32xf32>
    %363 = stablehlo.reshape %362 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %364 = stablehlo.constant dense<0.0> : tensor<f32>
    %365 = stablehlo.reduce(%363 init: %364) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %366 = stablehlo.reshape %365 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %367 = stablehlo.constant dense<0.25> : tensor<f32>
    %368 = stablehlo.broadcast_in_dim %367, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %369 = stablehlo.multiply %366, %368 : tensor<1x8x1xf32>
    %370 = stablehlo.reshape %369 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %371 = stablehlo.broadcast_in_dim %370, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %372 = stablehlo.reshape %371 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %373 = stablehlo.constant dense<0.000001> : tensor<f32>
    %374 = stablehlo.broadcast_in_dim %373, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %375 = stablehlo.add %372, %374 : tensor<1x1x1x32xf32>
    %376 = stablehlo.rsqrt %375 : tensor<1x1x1x32xf32>
    %377 = stablehlo.convert %arg23 : (tensor<32xbf16>) -> tensor<32xf32>
    %378 = stablehlo.reshape %377 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %379 = stablehlo.multiply %376, %378 : tensor<1x1x1x32xf32>
    %380 = stablehlo.reshape %379 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %381 = stablehlo.broadcast_in_dim %380, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x32x32x32xf32>
    %382 = stablehlo.multiply %349, %381 : tensor<1x32x32x32xf32>
    %383 = stablehlo.convert %arg24 : (tensor<32xbf16>) -> tensor<32xf32>
    %384 = stablehlo.reshape %383 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %385 = stablehlo.reshape %384 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %386 = stablehlo.broadcast_in_dim %385, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x32x32x32xf32>
    %387 = stablehlo.add %382, %386 : tensor<1x32x32x32xf32>
    %388 = stablehlo.convert %387 : (tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xbf16>
    %389 = stablehlo.convert %388 : (tensor<1x32x32x32xbf16>) -> tensor<1x32x32x32xf32>
    %390 = stablehlo.logistic %389 : tensor<1x32x32x32xf32>
    %391 = stablehlo.multiply %389, %390 : tensor<1x32x32x32xf32>
    %392 = stablehlo.convert %391 : (tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xbf16>
    %393 = stablehlo.convolution(%392, %arg25) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x32xbf16>, tensor<48x32x3x3xbf16>) -> tensor<1x32x32x48xbf16>
    %394 = stablehlo.reshape %arg26 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %395 = stablehlo.reshape %394 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %396 = stablehlo.broadcast_in_dim %395, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %397 = stablehlo.add %393, %396 : tensor<1x32x32x48xbf16>
    %398 = stablehlo.convert %397 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %399 = stablehlo.constant dense<0.0> : tensor<f32>
    %400 = stablehlo.reduce(%398 init: %399) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %401 = stablehlo.reshape %400 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %402 = stablehlo.constant dense<0.03125> : tensor<f32>
    %403 = stablehlo.broadcast_in_dim %402, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %404 = stablehlo.multiply %401, %403 : tensor<1x32x1x48xf32>
    %405 = stablehlo.constant dense<0.0> : tensor<f32>
    %406 = stablehlo.reduce(%404 init: %405) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %407 = stablehlo.reshape %406 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %408 = stablehlo.constant dense<0.03125> : tensor<f32>
    %409 = stablehlo.broadcast_in_dim %408, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %410 = stablehlo.multiply %407, %409 : tensor<1x1x1x48xf32>
    %411 = stablehlo.reshape %410 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %412 = stablehlo.constant dense<0.0> : tensor<f32>
    %413 = stablehlo.reduce(%411 init: %412) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %414 = stablehlo.reshape %413 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %415 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %416 = stablehlo.broadcast_in_dim %415, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %417 = stablehlo.multiply %414, %416 : tensor<1x8x1xf32>
    %418 = stablehlo.reshape %417 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %419 = stablehlo.broadcast_in_dim %418, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %420 = stablehlo.reshape %419 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %421 = stablehlo.reshape %420 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %422 = stablehlo.broadcast_in_dim %421, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %423 = stablehlo.subtract %398, %422 : tensor<1x32x32x48xf32>
    %424 = stablehlo.multiply %423, %423 : tensor<1x32x32x48xf32>
    %425 = stablehlo.constant dense<0.0> : tensor<f32>
    %426 = stablehlo.reduce(%424 init: %425) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %427 = stablehlo.reshape %426 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %428 = stablehlo.constant dense<0.03125> : tensor<f32>
    %429 = stablehlo.broadcast_in_dim %428, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %430 = stablehlo.multiply %427, %429 : tensor<1x32x1x48xf32>
    %431 = stablehlo.constant dense<0.0> : tensor<f32>
    %432 = stablehlo.reduce(%430 init: %431) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %433 = stablehlo.reshape %432 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %434 = stablehlo.constant dense<0.03125> : tensor<f32>
    %435 = stablehlo.broadcast_in_dim %434, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %436 = stablehlo.multiply %433, %435 : tensor<1x1x1x48xf32>
    %437 = stablehlo.reshape %436 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %438 = stablehlo.constant dense<0.0> : tensor<f32>
    %439 = stablehlo.reduce(%437 init: %438) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %440 = stablehlo.reshape %439 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %441 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %442 = stablehlo.broadcast_in_dim %441, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %443 = stablehlo.multiply %440, %442 : tensor<1x8x1xf32>
    %444 = stablehlo.reshape %443 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %445 = stablehlo.broadcast_in_dim %444, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %446 = stablehlo.reshape %445 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %447 = stablehlo.constant dense<0.000001> : tensor<f32>
    %448 = stablehlo.broadcast_in_dim %447, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %449 = stablehlo.add %446, %448 : tensor<1x1x1x48xf32>
    %450 = stablehlo.rsqrt %449 : tensor<1x1x1x48xf32>
    %451 = stablehlo.convert %arg27 : (tensor<48xbf16>) -> tensor<48xf32>
    %452 = stablehlo.reshape %451 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %453 = stablehlo.multiply %450, %452 : tensor<1x1x1x48xf32>
    %454 = stablehlo.reshape %453 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %455 = stablehlo.broadcast_in_dim %454, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %456 = stablehlo.multiply %423, %455 : tensor<1x32x32x48xf32>
    %457 = stablehlo.convert %arg28 : (tensor<48xbf16>) -> tensor<48xf32>
    %458 = stablehlo.reshape %457 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %459 = stablehlo.reshape %458 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %460 = stablehlo.broadcast_in_dim %459, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %461 = stablehlo.add %456, %460 : tensor<1x32x32x48xf32>
    %462 = stablehlo.convert %461 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %463 = stablehlo.convert %462 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %464 = stablehlo.logistic %463 : tensor<1x32x32x48xf32>
    %465 = stablehlo.multiply %463, %464 : tensor<1x32x32x48xf32>
    %466 = stablehlo.convert %465 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %467 = stablehlo.convolution(%466, %arg29) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x48xbf16>, tensor<48x48x3x3xbf16>) -> tensor<1x32x32x48xbf16>
    %468 = stablehlo.reshape %arg30 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %469 = stablehlo.reshape %468 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %470 = stablehlo.broadcast_in_dim %469, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %471 = stablehlo.add %467, %470 : tensor<1x32x32x48xbf16>
    %472 = stablehlo.add %323, %471 : tensor<1x32x32x48xbf16>
    %473 = stablehlo.convolution(%472, %arg33) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 1], [0, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x48xbf16>, tensor<48x48x3x3xbf16>) -> tensor<1x16x16x48xbf16>
    %474 = stablehlo.reshape %arg34 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %475 = stablehlo.reshape %474 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %476 = stablehlo.broadcast_in_dim %475, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x16x16x48xbf16>
    %477 = stablehlo.add %473, %476 : tensor<1x16x16x48xbf16>
    %478 = stablehlo.convolution(%477, %arg43) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x48xbf16>, tensor<64x48x1x1xbf16>) -> tensor<1x16x16x64xbf16>
    %479 = stablehlo.reshape %arg44 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %480 = stablehlo.reshape %479 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %481 = stablehlo.broadcast_in_dim %480, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %482 = stablehlo.add %478, %481 : tensor<1x16x16x64xbf16>
    %483 = stablehlo.convert %477 : (tensor<1x16x16x48xbf16>) -> tensor<1x16x16x48xf32>
    %484 = stablehlo.constant dense<0.0> : tensor<f32>
    %485 = stablehlo.reduce(%483 init: %484) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x48xf32>, tensor<f32>) -> tensor<1x16x48xf32>
    %486 = stablehlo.reshape %485 : (tensor<1x16x48xf32>) -> tensor<1x16x1x48xf32>
    %487 = stablehlo.constant dense<0.0625> : tensor<f32>
    %488 = stablehlo.broadcast_in_dim %487, dims = [] : (tensor<f32>) -> tensor<1x16x1x48xf32>
    %489 = stablehlo.multiply %486, %488 : tensor<1x16x1x48xf32>
    %490 = stablehlo.constant dense<0.0> : tensor<f32>
    %491 = stablehlo.reduce(%489 init: %490) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %492 = stablehlo.reshape %491 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %493 = stablehlo.constant dense<0.0625> : tensor<f32>
    %494 = stablehlo.broadcast_in_dim %493, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %495 = stablehlo.multiply %492, %494 : tensor<1x1x1x48xf32>
    %496 = stablehlo.reshape %495 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %497 = stablehlo.constant dense<0.0> : tensor<f32>
    %498 = stablehlo.reduce(%496 init: %497) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %499 = stablehlo.reshape %498 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %500 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %501 = stablehlo.broadcast_in_dim %500, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %502 = stablehlo.multiply %499, %501 : tensor<1x8x1xf32>
    %503 = stablehlo.reshape %502 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %504 = stablehlo.broadcast_in_dim %503, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %505 = stablehlo.reshape %504 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %506 = stablehlo.reshape %505 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %507 = stablehlo.broadcast_in_dim %506, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x16x16x48xf32>
    %508 = stablehlo.subtract %483, %507 : tensor<1x16x16x48xf32>
    %509 = stablehlo.multiply %508, %508 : tensor<1x16x16x48xf32>
    %510 = stablehlo.constant dense<0.0> : tensor<f32>
    %511 = stablehlo.reduce(%509 init: %510) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x48xf32>, tensor<f32>) -> tensor<1x16x48xf32>
    %512 = stablehlo.reshape %511 : (tensor<1x16x48xf32>) -> tensor<1x16x1x48xf32>
    %513 = stablehlo.constant dense<0.0625> : tensor<f32>
    %514 = stablehlo.broadcast_in_dim %513, dims = [] : (tensor<f32>) -> tensor<1x16x1x48xf32>
    %515 = stablehlo.multiply %512, %514 : tensor<1x16x1x48xf32>
    %516 = stablehlo.constant dense<0.0> : tensor<f32>
    %517 = stablehlo.reduce(%515 init: %516) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %518 = stablehlo.reshape %517 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %519 = stablehlo.constant dense<0.0625> : tensor<f32>
    %520 = stablehlo.broadcast_in_dim %519, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %521 = stablehlo.multiply %518, %520 : tensor<1x1x1x48xf32>
    %522 = stablehlo.reshape %521 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %523 = stablehlo.constant dense<0.0> : tensor<f32>
    %524 = stablehlo.reduce(%522 init: %523) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %525 = stablehlo.reshape %524 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %526 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %527 = stablehlo.broadcast_in_dim %526, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %528 = stablehlo.multiply %525, %527 : tensor<1x8x1xf32>
    %529 = stablehlo.reshape %528 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %530 = stablehlo.broadcast_in_dim %529, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %531 = stablehlo.reshape %530 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %532 = stablehlo.constant dense<0.000001> : tensor<f32>
    %533 = stablehlo.broadcast_in_dim %532, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %534 = stablehlo.add %531, %533 : tensor<1x1x1x48xf32>
    %535 = stablehlo.rsqrt %534 : tensor<1x1x1x48xf32>
    %536 = stablehlo.convert %arg35 : (tensor<48xbf16>) -> tensor<48xf32>
    %537 = stablehlo.reshape %536 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %538 = stablehlo.multiply %535, %537 : tensor<1x1x1x48xf32>
    %539 = stablehlo.reshape %538 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %540 = stablehlo.broadcast_in_dim %539, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x16x16x48xf32>
    %541 = stablehlo.multiply %508, %540 : tensor<1x16x16x48xf32>
    %542 = stablehlo.convert %arg36 : (tensor<48xbf16>) -> tensor<48xf32>
    %543 = stablehlo.reshape %542 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %544 = stablehlo.reshape %543 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %545 = stablehlo.broadcast_in_dim %544, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x16x16x48xf32>
    %546 = stablehlo.add %541, %545 : tensor<1x16x16x48xf32>
    %547 = stablehlo.convert %546 : (tensor<1x16x16x48xf32>) -> tensor<1x16x16x48xbf16>
    %548 = stablehlo.convert %547 : (tensor<1x16x16x48xbf16>) -> tensor<1x16x16x48xf32>
    %549 = stablehlo.logistic %548 : tensor<1x16x16x48xf32>
    %550 = stablehlo.multiply %548, %549 : tensor<1x16x16x48xf32>
    %551 = stablehlo.convert %550 : (tensor<1x16x16x48xf32>) -> tensor<1x16x16x48xbf16>
    %552 = stablehlo.convolution(%551, %arg37) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x48xbf16>, tensor<64x48x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %553 = stablehlo.reshape %arg38 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %554 = stablehlo.reshape %553 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %555 = stablehlo.broadcast_in_dim %554, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %556 = stablehlo.add %552, %555 : tensor<1x16x16x64xbf16>
    %557 = stablehlo.convert %556 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %558 = stablehlo.constant dense<0.0> : tensor<f32>
    %559 = stablehlo.reduce(%557 init: %558) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %560 = stablehlo.reshape %559 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %561 = stablehlo.constant dense<0.0625> : tensor<f32>
    %562 = stablehlo.broadcast_in_dim %561, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %563 = stablehlo.multiply %560, %562 : tensor<1x16x1x64xf32>
    %564 = stablehlo.constant dense<0.0> : tensor<f32>
    %565 = stablehlo.reduce(%563 init: %564) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %566 = stablehlo.reshape %565 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %567 = stablehlo.constant dense<0.0625> : tensor<f32>
    %568 = stablehlo.broadcast_in_dim %567, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %569 = stablehlo.multiply %566, %568 : tensor<1x1x1x64xf32>
    %570 = stablehlo.reshape %569 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %571 = stablehlo.constant dense<0.0> : tensor<f32>
    %572 = stablehlo.reduce(%570 init: %571) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %573 = stablehlo.reshape %572 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %574 = stablehlo.constant dense<0.125> : tensor<f32>
    %575 = stablehlo.broadcast_in_dim %574, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %576 = stablehlo.multiply %573, %575 : tensor<1x8x1xf32>
    %577 = stablehlo.reshape %576 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %578 = stablehlo.broadcast_in_dim %577, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %579 = stablehlo.reshape %578 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %580 = stablehlo.reshape %579 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %581 = stablehlo.broadcast_in_dim %580, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %582 = stablehlo.subtract %557, %581 : tensor<1x16x16x64xf32>
    %583 = stablehlo.multiply %582, %582 : tensor<1x16x16x64xf32>
    %584 = stablehlo.constant dense<0.0> : tensor<f32>
    %585 = stablehlo.reduce(%583 init: %584) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %586 = stablehlo.reshape %585 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %587 = stablehlo.constant dense<0.0625> : tensor<f32>
    %588 = stablehlo.broadcast_in_dim %587, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %589 = stablehlo.multiply %586, %588 : tensor<1x16x1x64xf32>
    %590 = stablehlo.constant dense<0.0> : tensor<f32>
    %591 = stablehlo.reduce(%589 init: %590) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %592 = stablehlo.reshape %591 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %593 = stablehlo.constant dense<0.0625> : tensor<f32>
    %594 = stablehlo.broadcast_in_dim %593, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %595 = stablehlo.multiply %592, %594 : tensor<1x1x1x64xf32>
    %596 = stablehlo.reshape %595 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %597 = stablehlo.constant dense<0.0> : tensor<f32>
    %598 = stablehlo.reduce(%596 init: %597) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %599 = stablehlo.reshape %598 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %600 = stablehlo.constant dense<0.125> : tensor<f32>
    %601 = stablehlo.broadcast_in_dim %600, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %602 = stablehlo.multiply %599, %601 : tensor<1x8x1xf32>
    %603 = stablehlo.reshape %602 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %604 = stablehlo.broadcast_in_dim %603, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %605 = stablehlo.reshape %604 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %606 = stablehlo.constant dense<0.000001> : tensor<f32>
    %607 = stablehlo.broadcast_in_dim %606, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %608 = stablehlo.add %605, %607 : tensor<1x1x1x64xf32>
    %609 = stablehlo.rsqrt %608 : tensor<1x1x1x64xf32>
    %610 = stablehlo.convert %arg39 : (tensor<64xbf16>) -> tensor<64xf32>
    %611 = stablehlo.reshape %610 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %612 = stablehlo.multiply %609, %611 : tensor<1x1x1x64xf32>
    %613 = stablehlo.reshape %612 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %614 = stablehlo.broadcast_in_dim %613, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %615 = stablehlo.multiply %582, %614 : tensor<1x16x16x64xf32>
    %616 = stablehlo.convert %arg40 : (tensor<64xbf16>) -> tensor<64xf32>
    %617 = stablehlo.reshape %616 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %618 = stablehlo.reshape %617 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %619 = stablehlo.broadcast_in_dim %618, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %620 = stablehlo.add %615, %619 : tensor<1x16x16x64xf32>
    %621 = stablehlo.convert %620 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %622 = stablehlo.convert %621 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %623 = stablehlo.logistic %622 : tensor<1x16x16x64xf32>
    %624 = stablehlo.multiply %622, %623 : tensor<1x16x16x64xf32>
    %625 = stablehlo.convert %624 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %626 = stablehlo.convolution(%625, %arg41) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %627 = stablehlo.reshape %arg42 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %628 = stablehlo.reshape %627 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %629 = stablehlo.broadcast_in_dim %628, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %630 = stablehlo.add %626, %629 : tensor<1x16x16x64xbf16>
    %631 = stablehlo.add %482, %630 : tensor<1x16x16x64xbf16>
    %632 = stablehlo.convert %631 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %633 = stablehlo.constant dense<0.0> : tensor<f32>
    %634 = stablehlo.reduce(%632 init: %633) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %635 = stablehlo.reshape %634 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %636 = stablehlo.constant dense<0.0625> : tensor<f32>
    %637 = stablehlo.broadcast_in_dim %636, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %638 = stablehlo.multiply %635, %637 : tensor<1x16x1x64xf32>
    %639 = stablehlo.constant dense<0.0> : tensor<f32>
    %640 = stablehlo.reduce(%638 init: %639) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %641 = stablehlo.reshape %640 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %642 = stablehlo.constant dense<0.0625> : tensor<f32>
    %643 = stablehlo.broadcast_in_dim %642, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %644 = stablehlo.multiply %641, %643 : tensor<1x1x1x64xf32>
    %645 = stablehlo.reshape %644 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %646 = stablehlo.constant dense<0.0> : tensor<f32>
    %647 = stablehlo.reduce(%645 init: %646) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %648 = stablehlo.reshape %647 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %649 = stablehlo.constant dense<0.125> : tensor<f32>
    %650 = stablehlo.broadcast_in_dim %649, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %651 = stablehlo.multiply %648, %650 : tensor<1x8x1xf32>
    %652 = stablehlo.reshape %651 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %653 = stablehlo.broadcast_in_dim %652, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %654 = stablehlo.reshape %653 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %655 = stablehlo.reshape %654 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %656 = stablehlo.broadcast_in_dim %655, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %657 = stablehlo.subtract %632, %656 : tensor<1x16x16x64xf32>
    %658 = stablehlo.multiply %657, %657 : tensor<1x16x16x64xf32>
    %659 = stablehlo.constant dense<0.0> : tensor<f32>
    %660 = stablehlo.reduce(%658 init: %659) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %661 = stablehlo.reshape %660 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %662 = stablehlo.constant dense<0.0625> : tensor<f32>
    %663 = stablehlo.broadcast_in_dim %662, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %664 = stablehlo.multiply %661, %663 : tensor<1x16x1x64xf32>
    %665 = stablehlo.constant dense<0.0> : tensor<f32>
    %666 = stablehlo.reduce(%664 init: %665) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %667 = stablehlo.reshape %666 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %668 = stablehlo.constant dense<0.0625> : tensor<f32>
    %669 = stablehlo.broadcast_in_dim %668, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %670 = stablehlo.multiply %667, %669 : tensor<1x1x1x64xf32>
    %671 = stablehlo.reshape %670 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %672 = stablehlo.constant dense<0.0> : tensor<f32>
    %673 = stablehlo.reduce(%671 init: %672) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %674 = stablehlo.reshape %673 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %675 = stablehlo.constant dense<0.125> : tensor<f32>
    %676 = stablehlo.broadcast_in_dim %675, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %677 = stablehlo.multiply %674, %676 : tensor<1x8x1xf32>
    %678 = stablehlo.reshape %677 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %679 = stablehlo.broadcast_in_dim %678, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %680 = stablehlo.reshape %679 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %681 = stablehlo.constant dense<0.000001> : tensor<f32>
    %682 = stablehlo.broadcast_in_dim %681, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %683 = stablehlo.add %680, %682 : tensor<1x1x1x64xf32>
    %684 = stablehlo.rsqrt %683 : tensor<1x1x1x64xf32>
    %685 = stablehlo.convert %arg47 : (tensor<64xbf16>) -> tensor<64xf32>
    %686 = stablehlo.reshape %685 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %687 = stablehlo.multiply %684, %686 : tensor<1x1x1x64xf32>
    %688 = stablehlo.reshape %687 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %689 = stablehlo.broadcast_in_dim %688, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %690 = stablehlo.multiply %657, %689 : tensor<1x16x16x64xf32>
    %691 = stablehlo.convert %arg48 : (tensor<64xbf16>) -> tensor<64xf32>
    %692 = stablehlo.reshape %691 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %693 = stablehlo.reshape %692 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %694 = stablehlo.broadcast_in_dim %693, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %695 = stablehlo.add %690, %694 : tensor<1x16x16x64xf32>
    %696 = stablehlo.convert %695 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %697 = stablehlo.convert %696 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %698 = stablehlo.logistic %697 : tensor<1x16x16x64xf32>
    %699 = stablehlo.multiply %697, %698 : tensor<1x16x16x64xf32>
    %700 = stablehlo.convert %699 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %701 = stablehlo.convolution(%700, %arg49) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %702 = stablehlo.reshape %arg50 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %703 = stablehlo.reshape %702 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %704 = stablehlo.broadcast_in_dim %703, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %705 = stablehlo.add %701, %704 : tensor<1x16x16x64xbf16>
    %706 = stablehlo.convert %705 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %707 = stablehlo.constant dense<0.0> : tensor<f32>
    %708 = stablehlo.reduce(%706 init: %707) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %709 = stablehlo.reshape %708 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %710 = stablehlo.constant dense<0.0625> : tensor<f32>
    %711 = stablehlo.broadcast_in_dim %710, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %712 = stablehlo.multiply %709, %711 : tensor<1x16x1x64xf32>
    %713 = stablehlo.constant dense<0.0> : tensor<f32>
    %714 = stablehlo.reduce(%712 init: %713) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %715 = stablehlo.reshape %714 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %716 = stablehlo.constant dense<0.0625> : tensor<f32>
    %717 = stablehlo.broadcast_in_dim %716, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %718 = stablehlo.multiply %715, %717 : tensor<1x1x1x64xf32>
    %719 = stablehlo.reshape %718 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %720 = stablehlo.constant dense<0.0> : tensor<f32>
    %721 = stablehlo.reduce(%719 init: %720) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %722 = stablehlo.reshape %721 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %723 = stablehlo.constant dense<0.125> : tensor<f32>
    %724 = stablehlo.broadcast_in_dim %723, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %725 = stablehlo.multiply %722, %724 : tensor<1x8x1xf32>
    %726 = stablehlo.reshape %725 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %727 = stablehlo.broadcast_in_dim %726, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %728 = stablehlo.reshape %727 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %729 = stablehlo.reshape %728 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %730 = stablehlo.broadcast_in_dim %729, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %731 = stablehlo.subtract %706, %730 : tensor<1x16x16x64xf32>
    %732 = stablehlo.multiply %731, %731 : tensor<1x16x16x64xf32>
    %733 = stablehlo.constant dense<0.0> : tensor<f32>
    %734 = stablehlo.reduce(%732 init: %733) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %735 = stablehlo.reshape %734 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %736 = stablehlo.constant dense<0.0625> : tensor<f32>
    %737 = stablehlo.broadcast_in_dim %736, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %738 = stablehlo.multiply %735, %737 : tensor<1x16x1x64xf32>
    %739 = stablehlo.constant dense<0.0> : tensor<f32>
    %740 = stablehlo.reduce(%738 init: %739) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %741 = stablehlo.reshape %740 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %742 = stablehlo.constant dense<0.0625> : tensor<f32>
    %743 = stablehlo.broadcast_in_dim %742, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %744 = stablehlo.multiply %741, %743 : tensor<1x1x1x64xf32>
    %745 = stablehlo.reshape %744 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %746 = stablehlo.constant dense<0.0> : tensor<f32>
    %747 = stablehlo.reduce(%745 init: %746) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %748 = stablehlo.reshape %747 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %749 = stablehlo.constant dense<0.125> : tensor<f32>
    %750 = stablehlo.broadcast_in_dim %749, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %751 = stablehlo.multiply %748, %750 : tensor<1x8x1xf32>
    %752 = stablehlo.reshape %751 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %753 = stablehlo.broadcast_in_dim %752, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %754 = stablehlo.reshape %753 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %755 = stablehlo.constant dense<0.000001> : tensor<f32>
    %756 = stablehlo.broadcast_in_dim %755, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %757 = stablehlo.add %754, %756 : tensor<1x1x1x64xf32>
    %758 = stablehlo.rsqrt %757 : tensor<1x1x1x64xf32>
    %759 = stablehlo.convert %arg51 : (tensor<64xbf16>) -> tensor<64xf32>
    %760 = stablehlo.reshape %759 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %761 = stablehlo.multiply %758, %760 : tensor<1x1x1x64xf32>
    %762 = stablehlo.reshape %761 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %763 = stablehlo.broadcast_in_dim %762, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %764 = stablehlo.multiply %731, %763 : tensor<1x16x16x64xf32>
    %765 = stablehlo.convert %arg52 : (tensor<64xbf16>) -> tensor<64xf32>
    %766 = stablehlo.reshape %765 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %767 = stablehlo.reshape %766 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %768 = stablehlo.broadcast_in_dim %767, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %769 = stablehlo.add %764, %768 : tensor<1x16x16x64xf32>
    %770 = stablehlo.convert %769 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %771 = stablehlo.convert %770 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %772 = stablehlo.logistic %771 : tensor<1x16x16x64xf32>
    %773 = stablehlo.multiply %771, %772 : tensor<1x16x16x64xf32>
    %774 = stablehlo.convert %773 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %775 = stablehlo.convolution(%774, %arg53) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %776 = stablehlo.reshape %arg54 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %777 = stablehlo.reshape %776 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %778 = stablehlo.broadcast_in_dim %777, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %779 = stablehlo.add %775, %778 : tensor<1x16x16x64xbf16>
    %780 = stablehlo.add %631, %779 : tensor<1x16x16x64xbf16>
    %781 = stablehlo.convert %780 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %782 = stablehlo.constant dense<0.0> : tensor<f32>
    %783 = stablehlo.reduce(%781 init: %782) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %784 = stablehlo.reshape %783 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %785 = stablehlo.constant dense<0.0625> : tensor<f32>
    %786 = stablehlo.broadcast_in_dim %785, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %787 = stablehlo.multiply %784, %786 : tensor<1x16x1x64xf32>
    %788 = stablehlo.constant dense<0.0> : tensor<f32>
    %789 = stablehlo.reduce(%787 init: %788) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %790 = stablehlo.reshape %789 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %791 = stablehlo.constant dense<0.0625> : tensor<f32>
    %792 = stablehlo.broadcast_in_dim %791, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %793 = stablehlo.multiply %790, %792 : tensor<1x1x1x64xf32>
    %794 = stablehlo.reshape %793 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %795 = stablehlo.constant dense<0.0> : tensor<f32>
    %796 = stablehlo.reduce(%794 init: %795) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %797 = stablehlo.reshape %796 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %798 = stablehlo.constant dense<0.125> : tensor<f32>
    %799 = stablehlo.broadcast_in_dim %798, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %800 = stablehlo.multiply %797, %799 : tensor<1x8x1xf32>
    %801 = stablehlo.reshape %800 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %802 = stablehlo.broadcast_in_dim %801, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %803 = stablehlo.reshape %802 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %804 = stablehlo.reshape %803 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %805 = stablehlo.broadcast_in_dim %804, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %806 = stablehlo.subtract %781, %805 : tensor<1x16x16x64xf32>
    %807 = stablehlo.multiply %806, %806 : tensor<1x16x16x64xf32>
    %808 = stablehlo.constant dense<0.0> : tensor<f32>
    %809 = stablehlo.reduce(%807 init: %808) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %810 = stablehlo.reshape %809 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %811 = stablehlo.constant dense<0.0625> : tensor<f32>
    %812 = stablehlo.broadcast_in_dim %811, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %813 = stablehlo.multiply %810, %812 : tensor<1x16x1x64xf32>
    %814 = stablehlo.constant dense<0.0> : tensor<f32>
    %815 = stablehlo.reduce(%813 init: %814) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %816 = stablehlo.reshape %815 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %817 = stablehlo.constant dense<0.0625> : tensor<f32>
    %818 = stablehlo.broadcast_in_dim %817, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %819 = stablehlo.multiply %816, %818 : tensor<1x1x1x64xf32>
    %820 = stablehlo.reshape %819 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %821 = stablehlo.constant dense<0.0> : tensor<f32>
    %822 = stablehlo.reduce(%820 init: %821) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %823 = stablehlo.reshape %822 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %824 = stablehlo.constant dense<0.125> : tensor<f32>
    %825 = stablehlo.broadcast_in_dim %824, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %826 = stablehlo.multiply %823, %825 : tensor<1x8x1xf32>
    %827 = stablehlo.reshape %826 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %828 = stablehlo.broadcast_in_dim %827, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %829 = stablehlo.reshape %828 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %830 = stablehlo.constant dense<0.000001> : tensor<f32>
    %831 = stablehlo.broadcast_in_dim %830, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %832 = stablehlo.add %829, %831 : tensor<1x1x1x64xf32>
    %833 = stablehlo.rsqrt %832 : tensor<1x1x1x64xf32>
    %834 = stablehlo.convert %arg55 : (tensor<64xbf16>) -> tensor<64xf32>
    %835 = stablehlo.reshape %834 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %836 = stablehlo.multiply %833, %835 : tensor<1x1x1x64xf32>
    %837 = stablehlo.reshape %836 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %838 = stablehlo.broadcast_in_dim %837, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %839 = stablehlo.multiply %806, %838 : tensor<1x16x16x64xf32>
    %840 = stablehlo.convert %arg56 : (tensor<64xbf16>) -> tensor<64xf32>
    %841 = stablehlo.reshape %840 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %842 = stablehlo.reshape %841 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %843 = stablehlo.broadcast_in_dim %842, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %844 = stablehlo.add %839, %843 : tensor<1x16x16x64xf32>
    %845 = stablehlo.convert %844 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %846 = stablehlo.dot_general %845, %arg57, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %847 = stablehlo.convert %846 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %848 = stablehlo.reshape %arg58 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %849 = stablehlo.reshape %848 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %850 = stablehlo.broadcast_in_dim %849, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %851 = stablehlo.add %847, %850 : tensor<1x16x16x64xbf16>
    %852 = stablehlo.reshape %851 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %853 = stablehlo.dot_general %845, %arg59, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %854 = stablehlo.convert %853 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %855 = stablehlo.reshape %arg60 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %856 = stablehlo.reshape %855 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %857 = stablehlo.broadcast_in_dim %856, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %858 = stablehlo.add %854, %857 : tensor<1x16x16x64xbf16>
    %859 = stablehlo.reshape %858 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %860 = stablehlo.dot_general %852, %859, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x1x256x64xbf16>, tensor<1x1x256x64xbf16>) -> tensor<1x1x256x256xf32>
    %861 = stablehlo.constant dense<0.125> : tensor<f32>
    %862 = stablehlo.broadcast_in_dim %861, dims = [] : (tensor<f32>) -> tensor<1x1x256x256xf32>
    %863 = stablehlo.multiply %860, %862 : tensor<1x1x256x256xf32>
    %864 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %865 = stablehlo.reduce(%863 init: %864) applies stablehlo.maximum across dimensions = [3] : (tensor<1x1x256x256xf32>, tensor<f32>) -> tensor<1x1x256xf32>
    %866 = stablehlo.reshape %865 : (tensor<1x1x256xf32>) -> tensor<1x1x256x1xf32>
    %867 = stablehlo.reshape %866 : (tensor<1x1x256x1xf32>) -> tensor<1x1x256xf32>
    %868 = stablehlo.broadcast_in_dim %867, dims = [0, 1, 2] : (tensor<1x1x256xf32>) -> tensor<1x1x256x256xf32>
    %869 = stablehlo.subtract %863, %868 : tensor<1x1x256x256xf32>
    %870 = stablehlo.exponential %869 : tensor<1x1x256x256xf32>
    %871 = stablehlo.constant dense<0.0> : tensor<f32>
    %872 = stablehlo.reduce(%870 init: %871) applies stablehlo.add across dimensions = [3] : (tensor<1x1x256x256xf32>, tensor<f32>) -> tensor<1x1x256xf32>
    %873 = stablehlo.reshape %872 : (tensor<1x1x256xf32>) -> tensor<1x1x256x1xf32>
    %874 = stablehlo.reshape %873 : (tensor<1x1x256x1xf32>) -> tensor<1x1x256xf32>
    %875 = stablehlo.broadcast_in_dim %874, dims = [0, 1, 2] : (tensor<1x1x256xf32>) -> tensor<1x1x256x256xf32>
    %876 = stablehlo.divide %870, %875 : tensor<1x1x256x256xf32>
    %877 = stablehlo.convert %876 : (tensor<1x1x256x256xf32>) -> tensor<1x1x256x256xbf16>
    %878 = stablehlo.dot_general %845, %arg61, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %879 = stablehlo.convert %878 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %880 = stablehlo.reshape %arg62 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %881 = stablehlo.reshape %880 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %882 = stablehlo.broadcast_in_dim %881, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %883 = stablehlo.add %879, %882 : tensor<1x16x16x64xbf16>
    %884 = stablehlo.reshape %883 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %885 = stablehlo.dot_general %877, %884, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<1x1x256x256xbf16>, tensor<1x1x256x64xbf16>) -> tensor<1x1x256x64xf32>
    %886 = stablehlo.convert %885 : (tensor<1x1x256x64xf32>) -> tensor<1x1x256x64xbf16>
    %887 = stablehlo.reshape %886 : (tensor<1x1x256x64xbf16>) -> tensor<1x16x16x64xbf16>
    %888 = stablehlo.dot_general %887, %arg63, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %889 = stablehlo.convert %888 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %890 = stablehlo.reshape %arg64 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %891 = stablehlo.reshape %890 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %892 = stablehlo.broadcast_in_dim %891, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %893 = stablehlo.add %889, %892 : tensor<1x16x16x64xbf16>
    %894 = stablehlo.add %780, %893 : tensor<1x16x16x64xbf16>
    %895 = stablehlo.convert %894 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %896 = stablehlo.constant dense<0.0> : tensor<f32>
    %897 = stablehlo.reduce(%895 init: %896) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %898 = stablehlo.reshape %897 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %899 = stablehlo.constant dense<0.0625> : tensor<f32>
    %900 = stablehlo.broadcast_in_dim %899, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %901 = stablehlo.multiply %898, %900 : tensor<1x16x1x64xf32>
    %902 = stablehlo.constant dense<0.0> : tensor<f32>
    %903 = stablehlo.reduce(%901 init: %902) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %904 = stablehlo.reshape %903 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %905 = stablehlo.constant dense<0.0625> : tensor<f32>
    %906 = stablehlo.broadcast_in_dim %905, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %907 = stablehlo.multiply %904, %906 : tensor<1x1x1x64xf32>
    %908 = stablehlo.reshape %907 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %909 = stablehlo.constant dense<0.0> : tensor<f32>
    %910 = stablehlo.reduce(%908 init: %909) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %911 = stablehlo.reshape %910 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %912 = stablehlo.constant dense<0.125> : tensor<f32>
    %913 = stablehlo.broadcast_in_dim %912, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %914 = stablehlo.multiply %911, %913 : tensor<1x8x1xf32>
    %915 = stablehlo.reshape %914 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %916 = stablehlo.broadcast_in_dim %915, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %917 = stablehlo.reshape %916 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %918 = stablehlo.reshape %917 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %919 = stablehlo.broadcast_in_dim %918, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %920 = stablehlo.subtract %895, %919 : tensor<1x16x16x64xf32>
    %921 = stablehlo.multiply %920, %920 : tensor<1x16x16x64xf32>
    %922 = stablehlo.constant dense<0.0> : tensor<f32>
    %923 = stablehlo.reduce(%921 init: %922) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %924 = stablehlo.reshape %923 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %925 = stablehlo.constant dense<0.0625> : tensor<f32>
    %926 = stablehlo.broadcast_in_dim %925, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %927 = stablehlo.multiply %924, %926 : tensor<1x16x1x64xf32>
    %928 = stablehlo.constant dense<0.0> : tensor<f32>
    %929 = stablehlo.reduce(%927 init: %928) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %930 = stablehlo.reshape %929 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %931 = stablehlo.constant dense<0.0625> : tensor<f32>
    %932 = stablehlo.broadcast_in_dim %931, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %933 = stablehlo.multiply %930, %932 : tensor<1x1x1x64xf32>
    %934 = stablehlo.reshape %933 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %935 = stablehlo.constant dense<0.0> : tensor<f32>
    %936 = stablehlo.reduce(%934 init: %935) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %937 = stablehlo.reshape %936 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %938 = stablehlo.constant dense<0.125> : tensor<f32>
    %939 = stablehlo.broadcast_in_dim %938, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %940 = stablehlo.multiply %937, %939 : tensor<1x8x1xf32>
    %941 = stablehlo.reshape %940 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %942 = stablehlo.broadcast_in_dim %941, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %943 = stablehlo.reshape %942 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %944 = stablehlo.constant dense<0.000001> : tensor<f32>
    %945 = stablehlo.broadcast_in_dim %944, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %946 = stablehlo.add %943, %945 : tensor<1x1x1x64xf32>
    %947 = stablehlo.rsqrt %946 : tensor<1x1x1x64xf32>
    %948 = stablehlo.convert %arg65 : (tensor<64xbf16>) -> tensor<64xf32>
    %949 = stablehlo.reshape %948 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %950 = stablehlo.multiply %947, %949 : tensor<1x1x1x64xf32>
    %951 = stablehlo.reshape %950 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %952 = stablehlo.broadcast_in_dim %951, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %953 = stablehlo.multiply %920, %952 : tensor<1x16x16x64xf32>
    %954 = stablehlo.convert %arg66 : (tensor<64xbf16>) -> tensor<64xf32>
    %955 = stablehlo.reshape %954 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %956 = stablehlo.reshape %955 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %957 = stablehlo.broadcast_in_dim %956, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %958 = stablehlo.add %953, %957 : tensor<1x16x16x64xf32>
    %959 = stablehlo.convert %958 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %960 = stablehlo.convert %959 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %961 = stablehlo.logistic %960 : tensor<1x16x16x64xf32>
    %962 = stablehlo.multiply %960, %961 : tensor<1x16x16x64xf32>
    %963 = stablehlo.convert %962 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %964 = stablehlo.convolution(%963, %arg67) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %965 = stablehlo.reshape %arg68 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %966 = stablehlo.reshape %965 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %967 = stablehlo.broadcast_in_dim %966, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %968 = stablehlo.add %964, %967 : tensor<1x16x16x64xbf16>
    %969 = stablehlo.convert %968 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %970 = stablehlo.constant dense<0.0> : tensor<f32>
    %971 = stablehlo.reduce(%969 init: %970) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %972 = stablehlo.reshape %971 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %973 = stablehlo.constant dense<0.0625> : tensor<f32>
    %974 = stablehlo.broadcast_in_dim %973, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %975 = stablehlo.multiply %972, %974 : tensor<1x16x1x64xf32>
    %976 = stablehlo.constant dense<0.0> : tensor<f32>
    %977 = stablehlo.reduce(%975 init: %976) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %978 = stablehlo.reshape %977 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %979 = stablehlo.constant dense<0.0625> : tensor<f32>
    %980 = stablehlo.broadcast_in_dim %979, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %981 = stablehlo.multiply %978, %980 : tensor<1x1x1x64xf32>
    %982 = stablehlo.reshape %981 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %983 = stablehlo.constant dense<0.0> : tensor<f32>
    %984 = stablehlo.reduce(%982 init: %983) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %985 = stablehlo.reshape %984 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %986 = stablehlo.constant dense<0.125> : tensor<f32>
    %987 = stablehlo.broadcast_in_dim %986, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %988 = stablehlo.multiply %985, %987 : tensor<1x8x1xf32>
    %989 = stablehlo.reshape %988 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %990 = stablehlo.broadcast_in_dim %989, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %991 = stablehlo.reshape %990 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %992 = stablehlo.reshape %991 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %993 = stablehlo.broadcast_in_dim %992, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %994 = stablehlo.subtract %969, %993 : tensor<1x16x16x64xf32>
    %995 = stablehlo.multiply %994, %994 : tensor<1x16x16x64xf32>
    %996 = stablehlo.constant dense<0.0> : tensor<f32>
    %997 = stablehlo.reduce(%995 init: %996) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %998 = stablehlo.reshape %997 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %999 = stablehlo.constant dense<0.0625> : tensor<f32>
    %1000 = stablehlo.broadcast_in_dim %999, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %1001 = stablehlo.multiply %998, %1000 : tensor<1x16x1x64xf32>
    %1002 = stablehlo.constant dense<0.0> : tensor<f32>
    %1003 = stablehlo.reduce(%1001 init: %1002) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %1004 = stablehlo.reshape %1003 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %1005 = stablehlo.constant dense<0.0625> : tensor<f32>
    %1006 = stablehlo.broadcast_in_dim %1005, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %1007 = stablehlo.multiply %1004, %1006 : tensor<1x1x1x64xf32>
    %1008 = stablehlo.reshape %1007 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %1009 = stablehlo.constant dense<0.0> : tensor<f32>
    %1010 = stablehlo.reduce(%1008 init: %1009) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1011 = stablehlo.reshape %1010 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1012 = stablehlo.constant dense<0.125> : tensor<f32>
    %1013 = stablehlo.broadcast_in_dim %1012, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1014 = stablehlo.multiply %1011, %1013 : tensor<1x8x1xf32>
    %1015 = stablehlo.reshape %1014 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1016 = stablehlo.broadcast_in_dim %1015, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %1017 = stablehlo.reshape %1016 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %1018 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1019 = stablehlo.broadcast_in_dim %1018, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %1020 = stablehlo.add %1017, %1019 : tensor<1x1x1x64xf32>
    %1021 = stablehlo.rsqrt %1020 : tensor<1x1x1x64xf32>
    %1022 = stablehlo.convert %arg69 : (tensor<64xbf16>) -> tensor<64xf32>
    %1023 = stablehlo.reshape %1022 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %1024 = stablehlo.multiply %1021, %1023 : tensor<1x1x1x64xf32>
    %1025 = stablehlo.reshape %1024 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %1026 = stablehlo.broadcast_in_dim %1025, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %1027 = stablehlo.multiply %994, %1026 : tensor<1x16x16x64xf32>
    %1028 = stablehlo.convert %arg70 : (tensor<64xbf16>) -> tensor<64xf32>
    %1029 = stablehlo.reshape %1028 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %1030 = stablehlo.reshape %1029 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %1031 = stablehlo.broadcast_in_dim %1030, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %1032 = stablehlo.add %1027, %1031 : tensor<1x16x16x64xf32>
    %1033 = stablehlo.convert %1032 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %1034 = stablehlo.convert %1033 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %1035 = stablehlo.logistic %1034 : tensor<1x16x16x64xf32>
    %1036 = stablehlo.multiply %1034, %1035 : tensor<1x16x16x64xf32>
    %1037 = stablehlo.convert %1036 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %1038 = stablehlo.convolution(%1037, %arg71) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %1039 = stablehlo.reshape %arg72 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %1040 = stablehlo.reshape %1039 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %1041 = stablehlo.broadcast_in_dim %1040, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %1042 = stablehlo.add %1038, %1041 : tensor<1x16x16x64xbf16>
    %1043 = stablehlo.add %894, %1042 : tensor<1x16x16x64xbf16>
    %1044 = stablehlo.convert %1043 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %1045 = stablehlo.constant dense<0.0> : tensor<f32>
    %1046 = stablehlo.reduce(%1044 init: %1045) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %1047 = stablehlo.reshape %1046 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %1048 = stablehlo.constant dense<0.0625> : tensor<f32>
    %1049 = stablehlo.broadcast_in_dim %1048, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %1050 = stablehlo.multiply %1047, %1049 : tensor<1x16x1x64xf32>
    %1051 = stablehlo.constant dense<0.0> : tensor<f32>
    %1052 = stablehlo.reduce(%1050 init: %1051) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %1053 = stablehlo.reshape %1052 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %1054 = stablehlo.constant dense<0.0625> : tensor<f32>
    %1055 = stablehlo.broadcast_in_dim %1054, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %1056 = stablehlo.multiply %1053, %1055 : tensor<1x1x1x64xf32>
    %1057 = stablehlo.reshape %1056 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %1058 = stablehlo.constant dense<0.0> : tensor<f32>
    %1059 = stablehlo.reduce(%1057 init: %1058) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1060 = stablehlo.reshape %1059 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1061 = stablehlo.constant dense<0.125> : tensor<f32>
    %1062 = stablehlo.broadcast_in_dim %1061, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1063 = stablehlo.multiply %1060, %1062 : tensor<1x8x1xf32>
    %1064 = stablehlo.reshape %1063 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1065 = stablehlo.broadcast_in_dim %1064, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %1066 = stablehlo.reshape %1065 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %1067 = stablehlo.reshape %1066 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %1068 = stablehlo.broadcast_in_dim %1067, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %1069 = stablehlo.subtract %1044, %1068 : tensor<1x16x16x64xf32>
    %1070 = stablehlo.multiply %1069, %1069 : tensor<1x16x16x64xf32>
    %1071 = stablehlo.constant dense<0.0> : tensor<f32>
    %1072 = stablehlo.reduce(%1070 init: %1071) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %1073 = stablehlo.reshape %1072 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %1074 = stablehlo.constant dense<0.0625> : tensor<f32>
    %1075 = stablehlo.broadcast_in_dim %1074, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %1076 = stablehlo.multiply %1073, %1075 : tensor<1x16x1x64xf32>
    %1077 = stablehlo.constant dense<0.0> : tensor<f32>
    %1078 = stablehlo.reduce(%1076 init: %1077) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %1079 = stablehlo.reshape %1078 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %1080 = stablehlo.constant dense<0.0625> : tensor<f32>
    %1081 = stablehlo.broadcast_in_dim %1080, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %1082 = stablehlo.multiply %1079, %1081 : tensor<1x1x1x64xf32>
    %1083 = stablehlo.reshape %1082 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %1084 = stablehlo.constant dense<0.0> : tensor<f32>
    %1085 = stablehlo.reduce(%1083 init: %1084) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1086 = stablehlo.reshape %1085 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1087 = stablehlo.constant dense<0.125> : tensor<f32>
    %1088 = stablehlo.broadcast_in_dim %1087, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1089 = stablehlo.multiply %1086, %1088 : tensor<1x8x1xf32>
    %1090 = stablehlo.reshape %1089 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1091 = stablehlo.broadcast_in_dim %1090, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %1092 = stablehlo.reshape %1091 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %1093 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1094 = stablehlo.broadcast_in_dim %1093, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %1095 = stablehlo.add %1092, %1094 : tensor<1x1x1x64xf32>
    %1096 = stablehlo.rsqrt %1095 : tensor<1x1x1x64xf32>
    %1097 = stablehlo.convert %arg73 : (tensor<64xbf16>) -> tensor<64xf32>
    %1098 = stablehlo.reshape %1097 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %1099 = stablehlo.multiply %1096, %1098 : tensor<1x1x1x64xf32>
    %1100 = stablehlo.reshape %1099 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %1101 = stablehlo.broadcast_in_dim %1100, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %1102 = stablehlo.multiply %1069, %1101 : tensor<1x16x16x64xf32>
    %1103 = stablehlo.convert %arg74 : (tensor<64xbf16>) -> tensor<64xf32>
    %1104 = stablehlo.reshape %1103 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %1105 = stablehlo.reshape %1104 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %1106 = stablehlo.broadcast_in_dim %1105, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %1107 = stablehlo.add %1102, %1106 : tensor<1x16x16x64xf32>
    %1108 = stablehlo.convert %1107 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %1109 = stablehlo.convert %1108 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %1110 = stablehlo.logistic %1109 : tensor<1x16x16x64xf32>
    %1111 = stablehlo.multiply %1109, %1110 : tensor<1x16x16x64xf32>
    %1112 = stablehlo.convert %1111 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %1113 = stablehlo.convolution(%1112, %arg75) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<32x64x3x3xbf16>) -> tensor<1x16x16x32xbf16>
    %1114 = stablehlo.reshape %arg76 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %1115 = stablehlo.reshape %1114 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %1116 = stablehlo.broadcast_in_dim %1115, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x16x16x32xbf16>
    %1117 = stablehlo.add %1113, %1116 : tensor<1x16x16x32xbf16>
    %1118 = stablehlo.convert %1117 : (tensor<1x16x16x32xbf16>) -> tensor<1x16x16x32xf32>
    %1119 = stablehlo.slice %1118 [0:1, 0:16, 0:16, 0:16] : (tensor<1x16x16x32xf32>) -> tensor<1x16x16x16xf32>
    %1120 = stablehlo.constant dense<0.021228> : tensor<f32>
    %1121 = stablehlo.broadcast_in_dim %1120, dims = [] : (tensor<f32>) -> tensor<1x16x16x16xf32>
    %1122 = stablehlo.subtract %1119, %1121 : tensor<1x16x16x16xf32>
    %1123 = stablehlo.constant dense<0.552526> : tensor<f32>
    %1124 = stablehlo.broadcast_in_dim %1123, dims = [] : (tensor<f32>) -> tensor<1x16x16x16xf32>
    %1125 = stablehlo.multiply %1122, %1124 : tensor<1x16x16x16xf32>
    %1126 = stablehlo.reshape %1125 : (tensor<1x16x16x16xf32>) -> tensor<1x8x2x8x2x16xf32>
    %1127 = stablehlo.transpose %1126, dims = [0, 1, 3, 5, 2, 4] : (tensor<1x8x2x8x2x16xf32>) -> tensor<1x8x8x16x2x2xf32>
    %1128 = stablehlo.reshape %1127 : (tensor<1x8x8x16x2x2xf32>) -> tensor<1x64x64xf32>
    return %1118, %1128 : tensor<1x16x16x32xf32>, tensor<1x64x64xf32>
  }
}
