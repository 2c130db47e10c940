module @vae_decode {
  func.func public @main(%arg0: tensor<1x64x64xf32>, %arg1: tensor<64xbf16>, %arg2: tensor<64xbf16>, %arg3: tensor<64x64x3x3xbf16>, %arg4: tensor<64xbf16>, %arg5: tensor<64xbf16>, %arg6: tensor<64xbf16>, %arg7: tensor<64x64x3x3xbf16>, %arg8: tensor<64xbf16>, %arg9: tensor<64xbf16>, %arg10: tensor<64xbf16>, %arg11: tensor<64x64x3x3xbf16>, %arg12: tensor<64xbf16>, %arg13: tensor<64xbf16>, %arg14: tensor<64xbf16>, %arg15: tensor<64x64x3x3xbf16>, %arg16: tensor<64xbf16>, %arg17: tensor<64x64x3x3xbf16>, %arg18: tensor<64xbf16>, %arg19: tensor<64xbf16>, %arg20: tensor<64xbf16>, %arg21: tensor<48x64x3x3xbf16>, %arg22: tensor<48xbf16>, %arg23: tensor<48xbf16>, %arg24: tensor<48xbf16>, %arg25: tensor<48x48x3x3xbf16>, %arg26: tensor<48xbf16>, %arg27: tensor<48x64x1x1xbf16>, %arg28: tensor<48xbf16>, %arg29: tensor<48xbf16>, %arg30: tensor<48xbf16>, %arg31: tensor<48x48x3x3xbf16>, %arg32: tensor<48xbf16>, %arg33: tensor<48xbf16>, %arg34: tensor<48xbf16>, %arg35: tensor<48x48x3x3xbf16>, %arg36: tensor<48xbf16>, %arg37: tensor<48x48x3x3xbf16>, %arg38: tensor<48xbf16>, %arg39: tensor<48xbf16>, %arg40: tensor<48xbf16>, %arg41: tensor<32x48x3x3xbf16>, %arg42: tensor<32xbf16>, %arg43: tensor<32xbf16>, %arg44: tensor<32xbf16>, %arg45: tensor<32x32x3x3xbf16>, %arg46: tensor<32xbf16>, %arg47: tensor<32x48x1x1xbf16>, %arg48: tensor<32xbf16>, %arg49: tensor<32xbf16>, %arg50: tensor<32xbf16>, %arg51: tensor<32x32x3x3xbf16>, %arg52: tensor<32xbf16>, %arg53: tensor<32xbf16>, %arg54: tensor<32xbf16>, %arg55: tensor<32x32x3x3xbf16>, %arg56: tensor<32xbf16>, %arg57: tensor<32x32x3x3xbf16>, %arg58: tensor<32xbf16>, %arg59: tensor<32xbf16>, %arg60: tensor<32xbf16>, %arg61: tensor<16x32x3x3xbf16>, %arg62: tensor<16xbf16>, %arg63: tensor<16xbf16>, %arg64: tensor<16xbf16>, %arg65: tensor<16x16x3x3xbf16>, %arg66: tensor<16xbf16>, %arg67: tensor<16x32x1x1xbf16>, %arg68: tensor<16xbf16>, %arg69: tensor<16xbf16>, %arg70: tensor<16xbf16>, %arg71: tensor<16x16x3x3xbf16>, %arg72: tensor<16xbf16>, %arg73: tensor<16xbf16>, %arg74: tensor<16xbf16>, %arg75: tensor<16x16x3x3xbf16>, %arg76: tensor<16xbf16>, %arg77: tensor<64x16x3x3xbf16>, %arg78: tensor<64xbf16>, %arg79: tensor<64xbf16>, %arg80: tensor<64xbf16>, %arg81: tensor<64x64x3x3xbf16>, %arg82: tensor<64xbf16>, %arg83: tensor<64xbf16>, %arg84: tensor<64xbf16>, %arg85: tensor<64x64x3x3xbf16>, %arg86: tensor<64xbf16>, %arg87: tensor<64xbf16>, %arg88: tensor<64xbf16>, %arg89: tensor<64x64xbf16>, %arg90: tensor<64xbf16>, %arg91: tensor<64x64xbf16>, %arg92: tensor<64xbf16>, %arg93: tensor<64x64xbf16>, %arg94: tensor<64xbf16>, %arg95: tensor<64x64xbf16>, %arg96: tensor<64xbf16>, %arg97: tensor<64xbf16>, %arg98: tensor<64xbf16>, %arg99: tensor<64x64x3x3xbf16>, %arg100: tensor<64xbf16>, %arg101: tensor<64xbf16>, %arg102: tensor<64xbf16>, %arg103: tensor<64x64x3x3xbf16>, %arg104: tensor<64xbf16>, %arg105: tensor<16xbf16>, %arg106: tensor<16xbf16>, %arg107: tensor<3x16x3x3xbf16>, %arg108: tensor<3xbf16>) -> (tensor<1x128x128x3xf32>) {
    %0 = stablehlo.reshape %arg0 : (tensor<1x64x64xf32>) -> tensor<1x8x8x16x2x2xf32>
    %1 = stablehlo.transpose %0, dims = [0, 1, 4, 2, 5, 3] : (tensor<1x8x8x16x2x2xf32>) -> tensor<1x8x2x8x2x16xf32>
    %2 = stablehlo.reshape %1 : (tensor<1x8x2x8x2x16xf32>) -> tensor<1x16x16x16xf32>
    %3 = stablehlo.constant dense<0.552526> : tensor<f32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [] : (tensor<f32>) -> tensor<1x16x16x16xf32>
    %5 = stablehlo.divide %2, %4 : tensor<1x16x16x16xf32>
    %6 = stablehlo.constant dense<0.021228> : tensor<f32>
    %7 = stablehlo.broadcast_in_dim %6, dims = [] : (tensor<f32>) -> tensor<1x16x16x16xf32>
    %8 = stablehlo.add %5, %7 : tensor<1x16x16x16xf32>
    %9 = stablehlo.convert %8 : (tensor<1x16x16x16xf32>) -> tensor<1x16x16x16xbf16>
    %10 = stablehlo.convolution(%9, %arg77) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x16xbf16>, tensor<64x16x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %11 = stablehlo.reshape %arg78 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %12 = stablehlo.reshape %11 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %13 = stablehlo.broadcast_in_dim %12, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %14 = stablehlo.add %10, %13 : tensor<1x16x16x64xbf16>
    %15 = stablehlo.convert %14 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %16 = stablehlo.constant dense<0.0> : tensor<f32>
    %17 = stablehlo.reduce(%15 init: %16) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %18 = stablehlo.reshape %17 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %19 = stablehlo.constant dense<0.0625> : tensor<f32>
    %20 = stablehlo.broadcast_in_dim %19, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %21 = stablehlo.multiply %18, %20 : tensor<1x16x1x64xf32>
    %22 = stablehlo.constant dense<0.0> : tensor<f32>
    %23 = stablehlo.reduce(%21 init: %22) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %24 = stablehlo.reshape %23 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %25 = stablehlo.constant dense<0.0625> : tensor<f32>
    %26 = stablehlo.broadcast_in_dim %25, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %27 = stablehlo.multiply %24, %26 : tensor<1x1x1x64xf32>
    %28 = stablehlo.reshape %27 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %29 = stablehlo.constant dense<0.0> : tensor<f32>
    %30 = stablehlo.reduce(%28 init: %29) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %31 = stablehlo.reshape %30 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %32 = stablehlo.constant dense<0.125> : tensor<f32>
    %33 = stablehlo.broadcast_in_dim %32, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %34 = stablehlo.multiply %31, %33 : tensor<1x8x1xf32>
    %35 = stablehlo.reshape %34 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %36 = stablehlo.broadcast_in_dim %35, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %37 = stablehlo.reshape %36 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %38 = stablehlo.reshape %37 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %39 = stablehlo.broadcast_in_dim %38, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %40 = stablehlo.subtract %15, %39 : tensor<1x16x16x64xf32>
    %41 = stablehlo.multiply %40, %40 : tensor<1x16x16x64xf32>
    %42 = stablehlo.constant dense<0.0> : tensor<f32>
    %43 = stablehlo.reduce(%41 init: %42) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %44 = stablehlo.reshape %43 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %45 = stablehlo.constant dense<0.0625> : tensor<f32>
    %46 = stablehlo.broadcast_in_dim %45, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %47 = stablehlo.multiply %44, %46 : tensor<1x16x1x64xf32>
    %48 = stablehlo.constant dense<0.0> : tensor<f32>
    %49 = stablehlo.reduce(%47 init: %48) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %50 = stablehlo.reshape %49 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %51 = stablehlo.constant dense<0.0625> : tensor<f32>
    %52 = stablehlo.broadcast_in_dim %51, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %53 = stablehlo.multiply %50, %52 : tensor<1x1x1x64xf32>
    %54 = stablehlo.reshape %53 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %55 = stablehlo.constant dense<0.0> : tensor<f32>
    %56 = stablehlo.reduce(%54 init: %55) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %57 = stablehlo.reshape %56 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %58 = stablehlo.constant dense<0.125> : tensor<f32>
    %59 = stablehlo.broadcast_in_dim %58, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %60 = stablehlo.multiply %57, %59 : tensor<1x8x1xf32>
    %61 = stablehlo.reshape %60 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %62 = stablehlo.broadcast_in_dim %61, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %63 = stablehlo.reshape %62 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %64 = stablehlo.constant dense<0.000001> : tensor<f32>
    %65 = stablehlo.broadcast_in_dim %64, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %66 = stablehlo.add %63, %65 : tensor<1x1x1x64xf32>
    %67 = stablehlo.rsqrt %66 : tensor<1x1x1x64xf32>
    %68 = stablehlo.convert %arg79 : (tensor<64xbf16>) -> tensor<64xf32>
    %69 = stablehlo.reshape %68 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %70 = stablehlo.multiply %67, %69 : tensor<1x1x1x64xf32>
    %71 = stablehlo.reshape %70 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %72 = stablehlo.broadcast_in_dim %71, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %73 = stablehlo.multiply %40, %72 : tensor<1x16x16x64xf32>
    %74 = stablehlo.convert %arg80 : (tensor<64xbf16>) -> tensor<64xf32>
    %75 = stablehlo.reshape %74 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %76 = stablehlo.reshape %75 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %77 = stablehlo.broadcast_in_dim %76, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %78 = stablehlo.add %73, %77 : tensor<1x16x16x64xf32>
    %79 = stablehlo.convert %78 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %80 = stablehlo.convert %79 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %81 = stablehlo.logistic %80 : tensor<1x16x16x64xf32>
    %82 = stablehlo.multiply %80, %81 : tensor<1x16x16x64xf32>
    %83 = stablehlo.convert %82 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %84 = stablehlo.convolution(%83, %arg81) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %85 = stablehlo.reshape %arg82 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %86 = stablehlo.reshape %85 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %87 = stablehlo.broadcast_in_dim %86, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %88 = stablehlo.add %84, %87 : tensor<1x16x16x64xbf16>
    %89 = stablehlo.convert %88 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %90 = stablehlo.constant dense<0.0> : tensor<f32>
    %91 = stablehlo.reduce(%89 init: %90) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %92 = stablehlo.reshape %91 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %93 = stablehlo.constant dense<0.0625> : tensor<f32>
    %94 = stablehlo.broadcast_in_dim %93, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %95 = stablehlo.multiply %92, %94 : tensor<1x16x1x64xf32>
    %96 = stablehlo.constant dense<0.0> : tensor<f32>
    %97 = stablehlo.reduce(%95 init: %96) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %98 = stablehlo.reshape %97 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %99 = stablehlo.constant dense<0.0625> : tensor<f32>
    %100 = stablehlo.broadcast_in_dim %99, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %101 = stablehlo.multiply %98, %100 : tensor<1x1x1x64xf32>
    %102 = stablehlo.reshape %101 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %103 = stablehlo.constant dense<0.0> : tensor<f32>
    %104 = stablehlo.reduce(%102 init: %103) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %105 = stablehlo.reshape %104 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %106 = stablehlo.constant dense<0.125> : tensor<f32>
    %107 = stablehlo.broadcast_in_dim %106, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %108 = stablehlo.multiply %105, %107 : tensor<1x8x1xf32>
    %109 = stablehlo.reshape %108 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %110 = stablehlo.broadcast_in_dim %109, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %111 = stablehlo.reshape %110 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %112 = stablehlo.reshape %111 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %113 = stablehlo.broadcast_in_dim %112, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %114 = stablehlo.subtract %89, %113 : tensor<1x16x16x64xf32>
    %115 = stablehlo.multiply %114, %114 : tensor<1x16x16x64xf32>
    %116 = stablehlo.constant dense<0.0> : tensor<f32>
    %117 = stablehlo.reduce(%115 init: %116) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %118 = stablehlo.reshape %117 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %119 = stablehlo.constant dense<0.0625> : tensor<f32>
    %120 = stablehlo.broadcast_in_dim %119, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %121 = stablehlo.multiply %118, %120 : tensor<1x16x1x64xf32>
    %122 = stablehlo.constant dense<0.0> : tensor<f32>
    %123 = stablehlo.reduce(%121 init: %122) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %124 = stablehlo.reshape %123 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %125 = stablehlo.constant dense<0.0625> : tensor<f32>
    %126 = stablehlo.broadcast_in_dim %125, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %127 = stablehlo.multiply %124, %126 : tensor<1x1x1x64xf32>
    %128 = stablehlo.reshape %127 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %129 = stablehlo.constant dense<0.0> : tensor<f32>
    %130 = stablehlo.reduce(%128 init: %129) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %131 = stablehlo.reshape %130 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %132 = stablehlo.constant dense<0.125> : tensor<f32>
    %133 = stablehlo.broadcast_in_dim %132, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %134 = stablehlo.multiply %131, %133 : tensor<1x8x1xf32>
    %135 = stablehlo.reshape %134 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %136 = stablehlo.broadcast_in_dim %135, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %137 = stablehlo.reshape %136 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %138 = stablehlo.constant dense<0.000001> : tensor<f32>
    %139 = stablehlo.broadcast_in_dim %138, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %140 = stablehlo.add %137, %139 : tensor<1x1x1x64xf32>
    %141 = stablehlo.rsqrt %140 : tensor<1x1x1x64xf32>
    %142 = stablehlo.convert %arg83 : (tensor<64xbf16>) -> tensor<64xf32>
    %143 = stablehlo.reshape %142 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %144 = stablehlo.multiply %141, %143 : tensor<1x1x1x64xf32>
    %145 = stablehlo.reshape %144 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %146 = stablehlo.broadcast_in_dim %145, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %147 = stablehlo.multiply %114, %146 : tensor<1x16x16x64xf32>
    %148 = stablehlo.convert %arg84 : (tensor<64xbf16>) -> tensor<64xf32>
    %149 = stablehlo.reshape %148 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %150 = stablehlo.reshape %149 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %151 = stablehlo.broadcast_in_dim %150, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %152 = stablehlo.add %147, %151 : tensor<1x16x16x64xf32>
    %153 = stablehlo.convert %152 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %154 = stablehlo.convert %153 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %155 = stablehlo.logistic %154 : tensor<1x16x16x64xf32>
    %156 = stablehlo.multiply %154, %155 : tensor<1x16x16x64xf32>
    %157 = stablehlo.convert %156 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %158 = stablehlo.convolution(%157, %arg85) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %159 = stablehlo.reshape %arg86 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %160 = stablehlo.reshape %159 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %161 = stablehlo.broadcast_in_dim %160, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %162 = stablehlo.add %158, %161 : tensor<1x16x16x64xbf16>
    %163 = stablehlo.add %14, %162 : tensor<1x16x16x64xbf16>
    %164 = stablehlo.convert %163 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %165 = stablehlo.constant dense<0.0> : tensor<f32>
    %166 = stablehlo.reduce(%164 init: %165) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %167 = stablehlo.reshape %166 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %168 = stablehlo.constant dense<0.0625> : tensor<f32>
    %169 = stablehlo.broadcast_in_dim %168, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %170 = stablehlo.multiply %167, %169 : tensor<1x16x1x64xf32>
    %171 = stablehlo.constant dense<0.0> : tensor<f32>
    %172 = stablehlo.reduce(%170 init: %171) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %173 = stablehlo.reshape %172 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %174 = stablehlo.constant dense<0.0625> : tensor<f32>
    %175 = stablehlo.broadcast_in_dim %174, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %176 = stablehlo.multiply %173, %175 : tensor<1x1x1x64xf32>
    %177 = stablehlo.reshape %176 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %178 = stablehlo.constant dense<0.0> : tensor<f32>
    %179 = stablehlo.reduce(%177 init: %178) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %180 = stablehlo.reshape %179 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %181 = stablehlo.constant dense<0.125> : tensor<f32>
    %182 = stablehlo.broadcast_in_dim %181, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %183 = stablehlo.multiply %180, %182 : tensor<1x8x1xf32>
    %184 = stablehlo.reshape %183 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %185 = stablehlo.broadcast_in_dim %184, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %186 = stablehlo.reshape %185 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %187 = stablehlo.reshape %186 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %188 = stablehlo.broadcast_in_dim %187, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %189 = stablehlo.subtract %164, %188 : tensor<1x16x16x64xf32>
    %190 = stablehlo.multiply %189, %189 : tensor<1x16x16x64xf32>
    %191 = stablehlo.constant dense<0.0> : tensor<f32>
    %192 = stablehlo.reduce(%190 init: %191) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %193 = stablehlo.reshape %192 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %194 = stablehlo.constant dense<0.0625> : tensor<f32>
    %195 = stablehlo.broadcast_in_dim %194, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %196 = stablehlo.multiply %193, %195 : tensor<1x16x1x64xf32>
    %197 = stablehlo.constant dense<0.0> : tensor<f32>
    %198 = stablehlo.reduce(%196 init: %197) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %199 = stablehlo.reshape %198 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %200 = stablehlo.constant dense<0.0625> : tensor<f32>
    %201 = stablehlo.broadcast_in_dim %200, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %202 = stablehlo.multiply %199, %201 : tensor<1x1x1x64xf32>
    %203 = stablehlo.reshape %202 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %204 = stablehlo.constant dense<0.0> : tensor<f32>
    %205 = stablehlo.reduce(%203 init: %204) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %206 = stablehlo.reshape %205 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %207 = stablehlo.constant dense<0.125> : tensor<f32>
    %208 = stablehlo.broadcast_in_dim %207, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %209 = stablehlo.multiply %206, %208 : tensor<1x8x1xf32>
    %210 = stablehlo.reshape %209 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %211 = stablehlo.broadcast_in_dim %210, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %212 = stablehlo.reshape %211 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %213 = stablehlo.constant dense<0.000001> : tensor<f32>
    %214 = stablehlo.broadcast_in_dim %213, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %215 = stablehlo.add %212, %214 : tensor<1x1x1x64xf32>
    %216 = stablehlo.rsqrt %215 : tensor<1x1x1x64xf32>
    %217 = stablehlo.convert %arg87 : (tensor<64xbf16>) -> tensor<64xf32>
    %218 = stablehlo.reshape %217 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %219 = stablehlo.multiply %216, %218 : tensor<1x1x1x64xf32>
    %220 = stablehlo.reshape %219 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %221 = stablehlo.broadcast_in_dim %220, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %222 = stablehlo.multiply %189, %221 : tensor<1x16x16x64xf32>
    %223 = stablehlo.convert %arg88 : (tensor<64xbf16>) -> tensor<64xf32>
    %224 = stablehlo.reshape %223 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %225 = stablehlo.reshape %224 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %226 = stablehlo.broadcast_in_dim %225, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %227 = stablehlo.add %222, %226 : tensor<1x16x16x64xf32>
    %228 = stablehlo.convert %227 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %229 = stablehlo.dot_general %228, %arg89, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %230 = stablehlo.convert %229 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %231 = stablehlo.reshape %arg90 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %232 = stablehlo.reshape %231 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %233 = stablehlo.broadcast_in_dim %232, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %234 = stablehlo.add %230, %233 : tensor<1x16x16x64xbf16>
    %235 = stablehlo.reshape %234 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %236 = stablehlo.dot_general %228, %arg91, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %237 = stablehlo.convert %236 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %238 = stablehlo.reshape %arg92 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %239 = stablehlo.reshape %238 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %240 = stablehlo.broadcast_in_dim %239, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %241 = stablehlo.add %237, %240 : tensor<1x16x16x64xbf16>
    %242 = stablehlo.reshape %241 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %243 = stablehlo.dot_general %235, %242, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x1x256x64xbf16>, tensor<1x1x256x64xbf16>) -> tensor<1x1x256x256xf32>
    %244 = stablehlo.constant dense<0.125> : tensor<f32>
    %245 = stablehlo.broadcast_in_dim %244, dims = [] : (tensor<f32>) -> tensor<1x1x256x256xf32>
    %246 = stablehlo.multiply %243, %245 : tensor<1x1x256x256xf32>
    %247 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %248 = stablehlo.reduce(%246 init: %247) applies stablehlo.maximum across dimensions = [3] : (tensor<1x1x256x256xf32>, tensor<f32>) -> tensor<1x1x256xf32>
    %249 = stablehlo.reshape %248 : (tensor<1x1x256xf32>) -> tensor<1x1x256x1xf32>
    %250 = stablehlo.reshape %249 : (tensor<1x1x256x1xf32>) -> tensor<1x1x256xf32>
    %251 = stablehlo.broadcast_in_dim %250, dims = [0, 1, 2] : (tensor<1x1x256xf32>) -> tensor<1x1x256x256xf32>
    %252 = stablehlo.subtract %246, %251 : tensor<1x1x256x256xf32>
    %253 = stablehlo.exponential %252 : tensor<1x1x256x256xf32>
    %254 = stablehlo.constant dense<0.0> : tensor<f32>
    %255 = stablehlo.reduce(%253 init: %254) applies stablehlo.add across dimensions = [3] : (tensor<1x1x256x256xf32>, tensor<f32>) -> tensor<1x1x256xf32>
    %256 = stablehlo.reshape %255 : (tensor<1x1x256xf32>) -> tensor<1x1x256x1xf32>
    %257 = stablehlo.reshape %256 : (tensor<1x1x256x1xf32>) -> tensor<1x1x256xf32>
    %258 = stablehlo.broadcast_in_dim %257, dims = [0, 1, 2] : (tensor<1x1x256xf32>) -> tensor<1x1x256x256xf32>
    %259 = stablehlo.divide %253, %258 : tensor<1x1x256x256xf32>
    %260 = stablehlo.convert %259 : (tensor<1x1x256x256xf32>) -> tensor<1x1x256x256xbf16>
    %261 = stablehlo.dot_general %228, %arg93, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %262 = stablehlo.convert %261 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %263 = stablehlo.reshape %arg94 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %264 = stablehlo.reshape %263 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %265 = stablehlo.broadcast_in_dim %264, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %266 = stablehlo.add %262, %265 : tensor<1x16x16x64xbf16>
    %267 = stablehlo.reshape %266 : (tensor<1x16x16x64xbf16>) -> tensor<1x1x256x64xbf16>
    %268 = stablehlo.dot_general %260, %267, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<1x1x256x256xbf16>, tensor<1x1x256x64xbf16>) -> tensor<1x1x256x64xf32>
    %269 = stablehlo.convert %268 : (tensor<1x1x256x64xf32>) -> tensor<1x1x256x64xbf16>
    %270 = stablehlo.reshape %269 : (tensor<1x1x256x64xbf16>) -> tensor<1x16x16x64xbf16>
    %271 = stablehlo.dot_general %270, %arg95, contracting_dims = [3] x [1] : (tensor<1x16x16x64xbf16>, tensor<64x64xbf16>) -> tensor<1x16x16x64xf32>
    %272 = stablehlo.convert %271 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %273 = stablehlo.reshape %arg96 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %274 = stablehlo.reshape %273 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %275 = stablehlo.broadcast_in_dim %274, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %276 = stablehlo.add %272, %275 : tensor<1x16x16x64xbf16>
    %277 = stablehlo.add %163, %276 : tensor<1x16x16x64xbf16>
    %278 = stablehlo.convert %277 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %279 = stablehlo.constant dense<0.0> : tensor<f32>
    %280 = stablehlo.reduce(%278 init: %279) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %281 = stablehlo.reshape %280 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %282 = stablehlo.constant dense<0.0625> : tensor<f32>
    %283 = stablehlo.broadcast_in_dim %282, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %284 = stablehlo.multiply %281, %283 : tensor<1x16x1x64xf32>
    %285 = stablehlo.constant dense<0.0> : tensor<f32>
    %286 = stablehlo.reduce(%284 init: %285) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %287 = stablehlo.reshape %286 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %288 = stablehlo.constant dense<0.0625> : tensor<f32>
    %289 = stablehlo.broadcast_in_dim %288, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %290 = stablehlo.multiply %287, %289 : tensor<1x1x1x64xf32>
    %291 = stablehlo.reshape %290 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %292 = stablehlo.constant dense<0.0> : tensor<f32>
    %293 = stablehlo.reduce(%291 init: %292) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %294 = stablehlo.reshape %293 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %295 = stablehlo.constant dense<0.125> : tensor<f32>
    %296 = stablehlo.broadcast_in_dim %295, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %297 = stablehlo.multiply %294, %296 : tensor<1x8x1xf32>
    %298 = stablehlo.reshape %297 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %299 = stablehlo.broadcast_in_dim %298, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %300 = stablehlo.reshape %299 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %301 = stablehlo.reshape %300 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %302 = stablehlo.broadcast_in_dim %301, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %303 = stablehlo.subtract %278, %302 : tensor<1x16x16x64xf32>
    %304 = stablehlo.multiply %303, %303 : tensor<1x16x16x64xf32>
    %305 = stablehlo.constant dense<0.0> : tensor<f32>
    %306 = stablehlo.reduce(%304 init: %305) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %307 = stablehlo.reshape %306 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %308 = stablehlo.constant dense<0.0625> : tensor<f32>
    %309 = stablehlo.broadcast_in_dim %308, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %310 = stablehlo.multiply %307, %309 : tensor<1x16x1x64xf32>
    %311 = stablehlo.constant dense<0.0> : tensor<f32>
    %312 = stablehlo.reduce(%310 init: %311) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %313 = stablehlo.reshape %312 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %314 = stablehlo.constant dense<0.0625> : tensor<f32>
    %315 = stablehlo.broadcast_in_dim %314, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %316 = stablehlo.multiply %313, %315 : tensor<1x1x1x64xf32>
    %317 = stablehlo.reshape %316 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %318 = stablehlo.constant dense<0.0> : tensor<f32>
    %319 = stablehlo.reduce(%317 init: %318) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %320 = stablehlo.reshape %319 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %321 = stablehlo.constant dense<0.125> : tensor<f32>
    %322 = stablehlo.broadcast_in_dim %321, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %323 = stablehlo.multiply %320, %322 : tensor<1x8x1xf32>
    %324 = stablehlo.reshape %323 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %325 = stablehlo.broadcast_in_dim %324, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %326 = stablehlo.reshape %325 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %327 = stablehlo.constant dense<0.000001> : tensor<f32>
    %328 = stablehlo.broadcast_in_dim %327, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %329 = stablehlo.add %326, %328 : tensor<1x1x1x64xf32>
    %330 = stablehlo.rsqrt %329 : tensor<1x1x1x64xf32>
    %331 = stablehlo.convert %arg97 : (tensor<64xbf16>) -> tensor<64xf32>
    %332 = stablehlo.reshape %331 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %333 = stablehlo.multiply %330, %332 : tensor<1x1x1x64xf32>
    %334 = stablehlo.reshape %333 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %335 = stablehlo.broadcast_in_dim %334, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %336 = stablehlo.multiply %303, %335 : tensor<1x16x16x64xf32>
    %337 = stablehlo.convert %arg98 : (tensor<64xbf16>) -> tensor<64xf32>
    %338 = stablehlo.reshape %337 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %339 = stablehlo.reshape %338 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %340 = stablehlo.broadcast_in_dim %339, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %341 = stablehlo.add %336, %340 : tensor<1x16x16x64xf32>
    %342 = stablehlo.convert %341 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %343 = stablehlo.convert %342 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %344 = stablehlo.logistic %343 : tensor<1x16x16x64xf32>
    %345 = stablehlo.multiply %343, %344 : tensor<1x16x16x64xf32>
    %346 = stablehlo.convert %345 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %347 = stablehlo.convolution(%346, %arg99) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %348 = stablehlo.reshape %arg100 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %349 = stablehlo.reshape %348 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %350 = stablehlo.broadcast_in_dim %349, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %351 = stablehlo.add %347, %350 : tensor<1x16x16x64xbf16>
    %352 = stablehlo.convert %351 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %353 = stablehlo.constant dense<0.0> : tensor<f32>
    %354 = stablehlo.reduce(%352 init: %353) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %355 = stablehlo.reshape %354 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %356 = stablehlo.constant dense<0.0625> : tensor<f32>
    %357 = stablehlo.broadcast_in_dim %356, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %358 = stablehlo.multiply %355, %357 : tensor<1x16x1x64xf32>
    %359 = stablehlo.constant dense<0.0> : tensor<f32>
    %360 = stablehlo.reduce(%358 init: %359) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %361 = stablehlo.reshape %360 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %362 = stablehlo.constant dense<0.0625> : tensor<f32>
    %363 = stablehlo.broadcast_in_dim %362, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %364 = stablehlo.multiply %361, %363 : tensor<1x1x1x64xf32>
    %365 = stablehlo.reshape %364 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %366 = stablehlo.constant dense<0.0> : tensor<f32>
    %367 = stablehlo.reduce(%365 init: %366) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %368 = stablehlo.reshape %367 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %369 = stablehlo.constant dense<0.125> : tensor<f32>
    %370 = stablehlo.broadcast_in_dim %369, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %371 = stablehlo.multiply %368, %370 : tensor<1x8x1xf32>
    %372 = stablehlo.reshape %371 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %373 = stablehlo.broadcast_in_dim %372, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %374 = stablehlo.reshape %373 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %375 = stablehlo.reshape %374 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %376 = stablehlo.broadcast_in_dim %375, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %377 = stablehlo.subtract %352, %376 : tensor<1x16x16x64xf32>
    %378 = stablehlo.multiply %377, %377 : tensor<1x16x16x64xf32>
    %379 = stablehlo.constant dense<0.0> : tensor<f32>
    %380 = stablehlo.reduce(%378 init: %379) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %381 = stablehlo.reshape %380 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %382 = stablehlo.constant dense<0.0625> : tensor<f32>
    %383 = stablehlo.broadcast_in_dim %382, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %384 = stablehlo.multiply %381, %383 : tensor<1x16x1x64xf32>
    %385 = stablehlo.constant dense<0.0> : tensor<f32>
    %386 = stablehlo.reduce(%384 init: %385) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %387 = stablehlo.reshape %386 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %388 = stablehlo.constant dense<0.0625> : tensor<f32>
    %389 = stablehlo.broadcast_in_dim %388, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %390 = stablehlo.multiply %387, %389 : tensor<1x1x1x64xf32>
    %391 = stablehlo.reshape %390 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %392 = stablehlo.constant dense<0.0> : tensor<f32>
    %393 = stablehlo.reduce(%391 init: %392) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %394 = stablehlo.reshape %393 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %395 = stablehlo.constant dense<0.125> : tensor<f32>
    %396 = stablehlo.broadcast_in_dim %395, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %397 = stablehlo.multiply %394, %396 : tensor<1x8x1xf32>
    %398 = stablehlo.reshape %397 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %399 = stablehlo.broadcast_in_dim %398, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %400 = stablehlo.reshape %399 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %401 = stablehlo.constant dense<0.000001> : tensor<f32>
    %402 = stablehlo.broadcast_in_dim %401, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %403 = stablehlo.add %400, %402 : tensor<1x1x1x64xf32>
    %404 = stablehlo.rsqrt %403 : tensor<1x1x1x64xf32>
    %405 = stablehlo.convert %arg101 : (tensor<64xbf16>) -> tensor<64xf32>
    %406 = stablehlo.reshape %405 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %407 = stablehlo.multiply %404, %406 : tensor<1x1x1x64xf32>
    %408 = stablehlo.reshape %407 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %409 = stablehlo.broadcast_in_dim %408, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %410 = stablehlo.multiply %377, %409 : tensor<1x16x16x64xf32>
    %411 = stablehlo.convert %arg102 : (tensor<64xbf16>) -> tensor<64xf32>
    %412 = stablehlo.reshape %411 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %413 = stablehlo.reshape %412 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %414 = stablehlo.broadcast_in_dim %413, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %415 = stablehlo.add %410, %414 : tensor<1x16x16x64xf32>
    %416 = stablehlo.convert %415 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %417 = stablehlo.convert %416 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %418 = stablehlo.logistic %417 : tensor<1x16x16x64xf32>
    %419 = stablehlo.multiply %417, %418 : tensor<1x16x16x64xf32>
    %420 = stablehlo.convert %419 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %421 = stablehlo.convolution(%420, %arg103) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %422 = stablehlo.reshape %arg104 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %423 = stablehlo.reshape %422 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %424 = stablehlo.broadcast_in_dim %423, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %425 = stablehlo.add %421, %424 : tensor<1x16x16x64xbf16>
    %426 = stablehlo.add %277, %425 : tensor<1x16x16x64xbf16>
    %427 = stablehlo.convert %426 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %428 = stablehlo.constant dense<0.0> : tensor<f32>
    %429 = stablehlo.reduce(%427 init: %428) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %430 = stablehlo.reshape %429 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %431 = stablehlo.constant dense<0.0625> : tensor<f32>
    %432 = stablehlo.broadcast_in_dim %431, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %433 = stablehlo.multiply %430, %432 : tensor<1x16x1x64xf32>
    %434 = stablehlo.constant dense<0.0> : tensor<f32>
    %435 = stablehlo.reduce(%433 init: %434) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %436 = stablehlo.reshape %435 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %437 = stablehlo.constant dense<0.0625> : tensor<f32>
    %438 = stablehlo.broadcast_in_dim %437, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %439 = stablehlo.multiply %436, %438 : tensor<1x1x1x64xf32>
    %440 = stablehlo.reshape %439 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %441 = stablehlo.constant dense<0.0> : tensor<f32>
    %442 = stablehlo.reduce(%440 init: %441) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %443 = stablehlo.reshape %442 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %444 = stablehlo.constant dense<0.125> : tensor<f32>
    %445 = stablehlo.broadcast_in_dim %444, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %446 = stablehlo.multiply %443, %445 : tensor<1x8x1xf32>
    %447 = stablehlo.reshape %446 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %448 = stablehlo.broadcast_in_dim %447, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %449 = stablehlo.reshape %448 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %450 = stablehlo.reshape %449 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %451 = stablehlo.broadcast_in_dim %450, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %452 = stablehlo.subtract %427, %451 : tensor<1x16x16x64xf32>
    %453 = stablehlo.multiply %452, %452 : tensor<1x16x16x64xf32>
    %454 = stablehlo.constant dense<0.0> : tensor<f32>
    %455 = stablehlo.reduce(%453 init: %454) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %456 = stablehlo.reshape %455 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %457 = stablehlo.constant dense<0.0625> : tensor<f32>
    %458 = stablehlo.broadcast_in_dim %457, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %459 = stablehlo.multiply %456, %458 : tensor<1x16x1x64xf32>
    %460 = stablehlo.constant dense<0.0> : tensor<f32>
    %461 = stablehlo.reduce(%459 init: %460) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %462 = stablehlo.reshape %461 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %463 = stablehlo.constant dense<0.0625> : tensor<f32>
    %464 = stablehlo.broadcast_in_dim %463, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %465 = stablehlo.multiply %462, %464 : tensor<1x1x1x64xf32>
    %466 = stablehlo.reshape %465 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %467 = stablehlo.constant dense<0.0> : tensor<f32>
    %468 = stablehlo.reduce(%466 init: %467) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %469 = stablehlo.reshape %468 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %470 = stablehlo.constant dense<0.125> : tensor<f32>
    %471 = stablehlo.broadcast_in_dim %470, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %472 = stablehlo.multiply %469, %471 : tensor<1x8x1xf32>
    %473 = stablehlo.reshape %472 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %474 = stablehlo.broadcast_in_dim %473, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %475 = stablehlo.reshape %474 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %476 = stablehlo.constant dense<0.000001> : tensor<f32>
    %477 = stablehlo.broadcast_in_dim %476, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %478 = stablehlo.add %475, %477 : tensor<1x1x1x64xf32>
    %479 = stablehlo.rsqrt %478 : tensor<1x1x1x64xf32>
    %480 = stablehlo.convert %arg1 : (tensor<64xbf16>) -> tensor<64xf32>
    %481 = stablehlo.reshape %480 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %482 = stablehlo.multiply %479, %481 : tensor<1x1x1x64xf32>
    %483 = stablehlo.reshape %482 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %484 = stablehlo.broadcast_in_dim %483, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %485 = stablehlo.multiply %452, %484 : tensor<1x16x16x64xf32>
    %486 = stablehlo.convert %arg2 : (tensor<64xbf16>) -> tensor<64xf32>
    %487 = stablehlo.reshape %486 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %488 = stablehlo.reshape %487 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %489 = stablehlo.broadcast_in_dim %488, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %490 = stablehlo.add %485, %489 : tensor<1x16x16x64xf32>
    %491 = stablehlo.convert %490 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %492 = stablehlo.convert %491 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %493 = stablehlo.logistic %492 : tensor<1x16x16x64xf32>
    %494 = stablehlo.multiply %492, %493 : tensor<1x16x16x64xf32>
    %495 = stablehlo.convert %494 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %496 = stablehlo.convolution(%495, %arg3) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %497 = stablehlo.reshape %arg4 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %498 = stablehlo.reshape %497 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %499 = stablehlo.broadcast_in_dim %498, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %500 = stablehlo.add %496, %499 : tensor<1x16x16x64xbf16>
    %501 = stablehlo.convert %500 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %502 = stablehlo.constant dense<0.0> : tensor<f32>
    %503 = stablehlo.reduce(%501 init: %502) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %504 = stablehlo.reshape %503 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %505 = stablehlo.constant dense<0.0625> : tensor<f32>
    %506 = stablehlo.broadcast_in_dim %505, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %507 = stablehlo.multiply %504, %506 : tensor<1x16x1x64xf32>
    %508 = stablehlo.constant dense<0.0> : tensor<f32>
    %509 = stablehlo.reduce(%507 init: %508) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %510 = stablehlo.reshape %509 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %511 = stablehlo.constant dense<0.0625> : tensor<f32>
    %512 = stablehlo.broadcast_in_dim %511, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %513 = stablehlo.multiply %510, %512 : tensor<1x1x1x64xf32>
    %514 = stablehlo.reshape %513 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %515 = stablehlo.constant dense<0.0> : tensor<f32>
    %516 = stablehlo.reduce(%514 init: %515) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %517 = stablehlo.reshape %516 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %518 = stablehlo.constant dense<0.125> : tensor<f32>
    %519 = stablehlo.broadcast_in_dim %518, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %520 = stablehlo.multiply %517, %519 : tensor<1x8x1xf32>
    %521 = stablehlo.reshape %520 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %522 = stablehlo.broadcast_in_dim %521, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %523 = stablehlo.reshape %522 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %524 = stablehlo.reshape %523 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %525 = stablehlo.broadcast_in_dim %524, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %526 = stablehlo.subtract %501, %525 : tensor<1x16x16x64xf32>
    %527 = stablehlo.multiply %526, %526 : tensor<1x16x16x64xf32>
    %528 = stablehlo.constant dense<0.0> : tensor<f32>
    %529 = stablehlo.reduce(%527 init: %528) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %530 = stablehlo.reshape %529 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %531 = stablehlo.constant dense<0.0625> : tensor<f32>
    %532 = stablehlo.broadcast_in_dim %531, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %533 = stablehlo.multiply %530, %532 : tensor<1x16x1x64xf32>
    %534 = stablehlo.constant dense<0.0> : tensor<f32>
    %535 = stablehlo.reduce(%533 init: %534) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %536 = stablehlo.reshape %535 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %537 = stablehlo.constant dense<0.0625> : tensor<f32>
    %538 = stablehlo.broadcast_in_dim %537, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %539 = stablehlo.multiply %536, %538 : tensor<1x1x1x64xf32>
    %540 = stablehlo.reshape %539 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %541 = stablehlo.constant dense<0.0> : tensor<f32>
    %542 = stablehlo.reduce(%540 init: %541) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %543 = stablehlo.reshape %542 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %544 = stablehlo.constant dense<0.125> : tensor<f32>
    %545 = stablehlo.broadcast_in_dim %544, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %546 = stablehlo.multiply %543, %545 : tensor<1x8x1xf32>
    %547 = stablehlo.reshape %546 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %548 = stablehlo.broadcast_in_dim %547, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %549 = stablehlo.reshape %548 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %550 = stablehlo.constant dense<0.000001> : tensor<f32>
    %551 = stablehlo.broadcast_in_dim %550, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %552 = stablehlo.add %549, %551 : tensor<1x1x1x64xf32>
    %553 = stablehlo.rsqrt %552 : tensor<1x1x1x64xf32>
    %554 = stablehlo.convert %arg5 : (tensor<64xbf16>) -> tensor<64xf32>
    %555 = stablehlo.reshape %554 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %556 = stablehlo.multiply %553, %555 : tensor<1x1x1x64xf32>
    %557 = stablehlo.reshape %556 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %558 = stablehlo.broadcast_in_dim %557, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %559 = stablehlo.multiply %526, %558 : tensor<1x16x16x64xf32>
    %560 = stablehlo.convert %arg6 : (tensor<64xbf16>) -> tensor<64xf32>
    %561 = stablehlo.reshape %560 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %562 = stablehlo.reshape %561 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %563 = stablehlo.broadcast_in_dim %562, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %564 = stablehlo.add %559, %563 : tensor<1x16x16x64xf32>
    %565 = stablehlo.convert %564 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %566 = stablehlo.convert %565 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %567 = stablehlo.logistic %566 : tensor<1x16x16x64xf32>
    %568 = stablehlo.multiply %566, %567 : tensor<1x16x16x64xf32>
    %569 = stablehlo.convert %568 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %570 = stablehlo.convolution(%569, %arg7) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %571 = stablehlo.reshape %arg8 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %572 = stablehlo.reshape %571 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %573 = stablehlo.broadcast_in_dim %572, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %574 = stablehlo.add %570, %573 : tensor<1x16x16x64xbf16>
    %575 = stablehlo.add %426, %574 : tensor<1x16x16x64xbf16>
    %576 = stablehlo.convert %575 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %577 = stablehlo.constant dense<0.0> : tensor<f32>
    %578 = stablehlo.reduce(%576 init: %577) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %579 = stablehlo.reshape %578 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %580 = stablehlo.constant dense<0.0625> : tensor<f32>
    %581 = stablehlo.broadcast_in_dim %580, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %582 = stablehlo.multiply %579, %581 : tensor<1x16x1x64xf32>
    %583 = stablehlo.constant dense<0.0> : tensor<f32>
    %584 = stablehlo.reduce(%582 init: %583) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %585 = stablehlo.reshape %584 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %586 = stablehlo.constant dense<0.0625> : tensor<f32>
    %587 = stablehlo.broadcast_in_dim %586, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %588 = stablehlo.multiply %585, %587 : tensor<1x1x1x64xf32>
    %589 = stablehlo.reshape %588 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %590 = stablehlo.constant dense<0.0> : tensor<f32>
    %591 = stablehlo.reduce(%589 init: %590) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %592 = stablehlo.reshape %591 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %593 = stablehlo.constant dense<0.125> : tensor<f32>
    %594 = stablehlo.broadcast_in_dim %593, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %595 = stablehlo.multiply %592, %594 : tensor<1x8x1xf32>
    %596 = stablehlo.reshape %595 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %597 = stablehlo.broadcast_in_dim %596, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %598 = stablehlo.reshape %597 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %599 = stablehlo.reshape %598 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %600 = stablehlo.broadcast_in_dim %599, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %601 = stablehlo.subtract %576, %600 : tensor<1x16x16x64xf32>
    %602 = stablehlo.multiply %601, %601 : tensor<1x16x16x64xf32>
    %603 = stablehlo.constant dense<0.0> : tensor<f32>
    %604 = stablehlo.reduce(%602 init: %603) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %605 = stablehlo.reshape %604 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %606 = stablehlo.constant dense<0.0625> : tensor<f32>
    %607 = stablehlo.broadcast_in_dim %606, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %608 = stablehlo.multiply %605, %607 : tensor<1x16x1x64xf32>
    %609 = stablehlo.constant dense<0.0> : tensor<f32>
    %610 = stablehlo.reduce(%608 init: %609) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %611 = stablehlo.reshape %610 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %612 = stablehlo.constant dense<0.0625> : tensor<f32>
    %613 = stablehlo.broadcast_in_dim %612, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %614 = stablehlo.multiply %611, %613 : tensor<1x1x1x64xf32>
    %615 = stablehlo.reshape %614 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %616 = stablehlo.constant dense<0.0> : tensor<f32>
    %617 = stablehlo.reduce(%615 init: %616) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %618 = stablehlo.reshape %617 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %619 = stablehlo.constant dense<0.125> : tensor<f32>
    %620 = stablehlo.broadcast_in_dim %619, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %621 = stablehlo.multiply %618, %620 : tensor<1x8x1xf32>
    %622 = stablehlo.reshape %621 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %623 = stablehlo.broadcast_in_dim %622, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %624 = stablehlo.reshape %623 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %625 = stablehlo.constant dense<0.000001> : tensor<f32>
    %626 = stablehlo.broadcast_in_dim %625, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %627 = stablehlo.add %624, %626 : tensor<1x1x1x64xf32>
    %628 = stablehlo.rsqrt %627 : tensor<1x1x1x64xf32>
    %629 = stablehlo.convert %arg9 : (tensor<64xbf16>) -> tensor<64xf32>
    %630 = stablehlo.reshape %629 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %631 = stablehlo.multiply %628, %630 : tensor<1x1x1x64xf32>
    %632 = stablehlo.reshape %631 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %633 = stablehlo.broadcast_in_dim %632, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %634 = stablehlo.multiply %601, %633 : tensor<1x16x16x64xf32>
    %635 = stablehlo.convert %arg10 : (tensor<64xbf16>) -> tensor<64xf32>
    %636 = stablehlo.reshape %635 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %637 = stablehlo.reshape %636 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %638 = stablehlo.broadcast_in_dim %637, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %639 = stablehlo.add %634, %638 : tensor<1x16x16x64xf32>
    %640 = stablehlo.convert %639 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %641 = stablehlo.convert %640 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %642 = stablehlo.logistic %641 : tensor<1x16x16x64xf32>
    %643 = stablehlo.multiply %641, %642 : tensor<1x16x16x64xf32>
    %644 = stablehlo.convert %643 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %645 = stablehlo.convolution(%644, %arg11) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %646 = stablehlo.reshape %arg12 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %647 = stablehlo.reshape %646 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %648 = stablehlo.broadcast_in_dim %647, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %649 = stablehlo.add %645, %648 : tensor<1x16x16x64xbf16>
    %650 = stablehlo.convert %649 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %651 = stablehlo.constant dense<0.0> : tensor<f32>
    %652 = stablehlo.reduce(%650 init: %651) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %653 = stablehlo.reshape %652 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %654 = stablehlo.constant dense<0.0625> : tensor<f32>
    %655 = stablehlo.broadcast_in_dim %654, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %656 = stablehlo.multiply %653, %655 : tensor<1x16x1x64xf32>
    %657 = stablehlo.constant dense<0.0> : tensor<f32>
    %658 = stablehlo.reduce(%656 init: %657) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %659 = stablehlo.reshape %658 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %660 = stablehlo.constant dense<0.0625> : tensor<f32>
    %661 = stablehlo.broadcast_in_dim %660, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %662 = stablehlo.multiply %659, %661 : tensor<1x1x1x64xf32>
    %663 = stablehlo.reshape %662 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %664 = stablehlo.constant dense<0.0> : tensor<f32>
    %665 = stablehlo.reduce(%663 init: %664) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %666 = stablehlo.reshape %665 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %667 = stablehlo.constant dense<0.125> : tensor<f32>
    %668 = stablehlo.broadcast_in_dim %667, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %669 = stablehlo.multiply %666, %668 : tensor<1x8x1xf32>
    %670 = stablehlo.reshape %669 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %671 = stablehlo.broadcast_in_dim %670, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %672 = stablehlo.reshape %671 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %673 = stablehlo.reshape %672 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %674 = stablehlo.broadcast_in_dim %673, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %675 = stablehlo.subtract %650, %674 : tensor<1x16x16x64xf32>
    %676 = stablehlo.multiply %675, %675 : tensor<1x16x16x64xf32>
    %677 = stablehlo.constant dense<0.0> : tensor<f32>
    %678 = stablehlo.reduce(%676 init: %677) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %679 = stablehlo.reshape %678 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %680 = stablehlo.constant dense<0.0625> : tensor<f32>
    %681 = stablehlo.broadcast_in_dim %680, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %682 = stablehlo.multiply %679, %681 : tensor<1x16x1x64xf32>
    %683 = stablehlo.constant dense<0.0> : tensor<f32>
    %684 = stablehlo.reduce(%682 init: %683) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %685 = stablehlo.reshape %684 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %686 = stablehlo.constant dense<0.0625> : tensor<f32>
    %687 = stablehlo.broadcast_in_dim %686, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %688 = stablehlo.multiply %685, %687 : tensor<1x1x1x64xf32>
    %689 = stablehlo.reshape %688 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %690 = stablehlo.constant dense<0.0> : tensor<f32>
    %691 = stablehlo.reduce(%689 init: %690) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %692 = stablehlo.reshape %691 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %693 = stablehlo.constant dense<0.125> : tensor<f32>
    %694 = stablehlo.broadcast_in_dim %693, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %695 = stablehlo.multiply %692, %694 : tensor<1x8x1xf32>
    %696 = stablehlo.reshape %695 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %697 = stablehlo.broadcast_in_dim %696, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %698 = stablehlo.reshape %697 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %699 = stablehlo.constant dense<0.000001> : tensor<f32>
    %700 = stablehlo.broadcast_in_dim %699, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %701 = stablehlo.add %698, %700 : tensor<1x1x1x64xf32>
    %702 = stablehlo.rsqrt %701 : tensor<1x1x1x64xf32>
    %703 = stablehlo.convert %arg13 : (tensor<64xbf16>) -> tensor<64xf32>
    %704 = stablehlo.reshape %703 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %705 = stablehlo.multiply %702, %704 : tensor<1x1x1x64xf32>
    %706 = stablehlo.reshape %705 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %707 = stablehlo.broadcast_in_dim %706, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %708 = stablehlo.multiply %675, %707 : tensor<1x16x16x64xf32>
    %709 = stablehlo.convert %arg14 : (tensor<64xbf16>) -> tensor<64xf32>
    %710 = stablehlo.reshape %709 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %711 = stablehlo.reshape %710 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %712 = stablehlo.broadcast_in_dim %711, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %713 = stablehlo.add %708, %712 : tensor<1x16x16x64xf32>
    %714 = stablehlo.convert %713 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %715 = stablehlo.convert %714 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %716 = stablehlo.logistic %715 : tensor<1x16x16x64xf32>
    %717 = stablehlo.multiply %715, %716 : tensor<1x16x16x64xf32>
    %718 = stablehlo.convert %717 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %719 = stablehlo.convolution(%718, %arg15) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %720 = stablehlo.reshape %arg16 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %721 = stablehlo.reshape %720 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %722 = stablehlo.broadcast_in_dim %721, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %723 = stablehlo.add %719, %722 : tensor<1x16x16x64xbf16>
    %724 = stablehlo.add %575, %723 : tensor<1x16x16x64xbf16>
    %725 = stablehlo.reshape %724 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x1x16x1x64xbf16>
    %726 = stablehlo.reshape %725 : (tensor<1x16x1x16x1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %727 = stablehlo.broadcast_in_dim %726, dims = [0, 1, 3, 5] : (tensor<1x16x16x64xbf16>) -> tensor<1x16x2x16x2x64xbf16>
    %728 = stablehlo.reshape %727 : (tensor<1x16x2x16x2x64xbf16>) -> tensor<1x32x32x64xbf16>
    %729 = stablehlo.convolution(%728, %arg17) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x32x32x64xbf16>
    %730 = stablehlo.reshape %arg18 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %731 = stablehlo.reshape %730 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %732 = stablehlo.broadcast_in_dim %731, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x32x32x64xbf16>
    %733 = stablehlo.add %729, %732 : tensor<1x32x32x64xbf16>
    %734 = stablehlo.convolution(%733, %arg27) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x64xbf16>, tensor<48x64x1x1xbf16>) -> tensor<1x32x32x48xbf16>
    %735 = stablehlo.reshape %arg28 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %736 = stablehlo.reshape %735 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %737 = stablehlo.broadcast_in_dim %736, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %738 = stablehlo.add %734, %737 : tensor<1x32x32x48xbf16>
    %739 = stablehlo.convert %733 : (tensor<1x32x32x64xbf16>) -> tensor<1x32x32x64xf32>
    %740 = stablehlo.constant dense<0.0> : tensor<f32>
    %741 = stablehlo.reduce(%739 init: %740) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x64xf32>, tensor<f32>) -> tensor<1x32x64xf32>
    %742 = stablehlo.reshape %741 : (tensor<1x32x64xf32>) -> tensor<1x32x1x64xf32>
    %743 = stablehlo.constant dense<0.03125> : tensor<f32>
    %744 = stablehlo.broadcast_in_dim %743, dims = [] : (tensor<f32>) -> tensor<1x32x1x64xf32>
    %745 = stablehlo.multiply %742, %744 : tensor<1x32x1x64xf32>
    %746 = stablehlo.constant dense<0.0> : tensor<f32>
    %747 = stablehlo.reduce(%745 init: %746) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %748 = stablehlo.reshape %747 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %749 = stablehlo.constant dense<0.03125> : tensor<f32>
    %750 = stablehlo.broadcast_in_dim %749, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %751 = stablehlo.multiply %748, %750 : tensor<1x1x1x64xf32>
    %752 = stablehlo.reshape %751 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %753 = stablehlo.constant dense<0.0> : tensor<f32>
    %754 = stablehlo.reduce(%752 init: %753) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %755 = stablehlo.reshape %754 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %756 = stablehlo.constant dense<0.125> : tensor<f32>
    %757 = stablehlo.broadcast_in_dim %756, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %758 = stablehlo.multiply %755, %757 : tensor<1x8x1xf32>
    %759 = stablehlo.reshape %758 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %760 = stablehlo.broadcast_in_dim %759, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %761 = stablehlo.reshape %760 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %762 = stablehlo.reshape %761 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %763 = stablehlo.broadcast_in_dim %762, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x32x32x64xf32>
    %764 = stablehlo.subtract %739, %763 : tensor<1x32x32x64xf32>
    %765 = stablehlo.multiply %764, %764 : tensor<1x32x32x64xf32>
    %766 = stablehlo.constant dense<0.0> : tensor<f32>
    %767 = stablehlo.reduce(%765 init: %766) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x64xf32>, tensor<f32>) -> tensor<1x32x64xf32>
    %768 = stablehlo.reshape %767 : (tensor<1x32x64xf32>) -> tensor<1x32x1x64xf32>
    %769 = stablehlo.constant dense<0.03125> : tensor<f32>
    %770 = stablehlo.broadcast_in_dim %769, dims = [] : (tensor<f32>) -> tensor<1x32x1x64xf32>
    %771 = stablehlo.multiply %768, %770 : tensor<1x32x1x64xf32>
    %772 = stablehlo.constant dense<0.0> : tensor<f32>
    %773 = stablehlo.reduce(%771 init: %772) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %774 = stablehlo.reshape %773 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %775 = stablehlo.constant dense<0.03125> : tensor<f32>
    %776 = stablehlo.broadcast_in_dim %775, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %777 = stablehlo.multiply %774, %776 : tensor<1x1x1x64xf32>
    %778 = stablehlo.reshape %777 : (tensor<1x1x1x64xf32>) -> tensor<1x8x8xf32>
    %779 = stablehlo.constant dense<0.0> : tensor<f32>
    %780 = stablehlo.reduce(%778 init: %779) applies stablehlo.add across dimensions = [2] : (tensor<1x8x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %781 = stablehlo.reshape %780 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %782 = stablehlo.constant dense<0.125> : tensor<f32>
    %783 = stablehlo.broadcast_in_dim %782, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %784 = stablehlo.multiply %781, %783 : tensor<1x8x1xf32>
    %785 = stablehlo.reshape %784 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %786 = stablehlo.broadcast_in_dim %785, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x8xf32>
    %787 = stablehlo.reshape %786 : (tensor<1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %788 = stablehlo.constant dense<0.000001> : tensor<f32>
    %789 = stablehlo.broadcast_in_dim %788, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %790 = stablehlo.add %787, %789 : tensor<1x1x1x64xf32>
    %791 = stablehlo.rsqrt %790 : tensor<1x1x1x64xf32>
    %792 = stablehlo.convert %arg19 : (tensor<64xbf16>) -> tensor<64xf32>
    %793 = stablehlo.reshape %792 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %794 = stablehlo.multiply %791, %793 : tensor<1x1x1x64xf32>
    %795 = stablehlo.reshape %794 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %796 = stablehlo.broadcast_in_dim %795, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x32x32x64xf32>
    %797 = stablehlo.multiply %764, %796 : tensor<1x32x32x64xf32>
    %798 = stablehlo.convert %arg20 : (tensor<64xbf16>) -> tensor<64xf32>
    %799 = stablehlo.reshape %798 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %800 = stablehlo.reshape %799 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %801 = stablehlo.broadcast_in_dim %800, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x32x32x64xf32>
    %802 = stablehlo.add %797, %801 : tensor<1x32x32x64xf32>
    %803 = stablehlo.convert %802 : (tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xbf16>
    %804 = stablehlo.convert %803 : (tensor<1x32x32x64xbf16>) -> tensor<1x32x32x64xf32>
    %805 = stablehlo.logistic %804 : tensor<1x32x32x64xf32>
    %806 = stablehlo.multiply %804, %805 : tensor<1x32x32x64xf32>
    %807 = stablehlo.convert %806 : (tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xbf16>
    %808 = stablehlo.convolution(%807, %arg21) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x64xbf16>, tensor<48x64x3x3xbf16>) -> tensor<1x32x32x48xbf16>
    %809 = stablehlo.reshape %arg22 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %810 = stablehlo.reshape %809 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %811 = stablehlo.broadcast_in_dim %810, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %812 = stablehlo.add %808, %811 : tensor<1x32x32x48xbf16>
    %813 = stablehlo.convert %812 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %814 = stablehlo.constant dense<0.0> : tensor<f32>
    %815 = stablehlo.reduce(%813 init: %814) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %816 = stablehlo.reshape %815 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %817 = stablehlo.constant dense<0.03125> : tensor<f32>
    %818 = stablehlo.broadcast_in_dim %817, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %819 = stablehlo.multiply %816, %818 : tensor<1x32x1x48xf32>
    %820 = stablehlo.constant dense<0.0> : tensor<f32>
    %821 = stablehlo.reduce(%819 init: %820) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %822 = stablehlo.reshape %821 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %823 = stablehlo.constant dense<0.03125> : tensor<f32>
    %824 = stablehlo.broadcast_in_dim %823, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %825 = stablehlo.multiply %822, %824 : tensor<1x1x1x48xf32>
    %826 = stablehlo.reshape %825 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %827 = stablehlo.constant dense<0.0> : tensor<f32>
    %828 = stablehlo.reduce(%826 init: %827) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %829 = stablehlo.reshape %828 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %830 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %831 = stablehlo.broadcast_in_dim %830, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %832 = stablehlo.multiply %829, %831 : tensor<1x8x1xf32>
    %833 = stablehlo.reshape %832 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %834 = stablehlo.broadcast_in_dim %833, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %835 = stablehlo.reshape %834 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %836 = stablehlo.reshape %835 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %837 = stablehlo.broadcast_in_dim %836, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %838 = stablehlo.subtract %813, %837 : tensor<1x32x32x48xf32>
    %839 = stablehlo.multiply %838, %838 : tensor<1x32x32x48xf32>
    %840 = stablehlo.constant dense<0.0> : tensor<f32>
    %841 = stablehlo.reduce(%839 init: %840) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %842 = stablehlo.reshape %841 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %843 = stablehlo.constant dense<0.03125> : tensor<f32>
    %844 = stablehlo.broadcast_in_dim %843, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %845 = stablehlo.multiply %842, %844 : tensor<1x32x1x48xf32>
    %846 = stablehlo.constant dense<0.0> : tensor<f32>
    %847 = stablehlo.reduce(%845 init: %846) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %848 = stablehlo.reshape %847 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %849 = stablehlo.constant dense<0.03125> : tensor<f32>
    %850 = stablehlo.broadcast_in_dim %849, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %851 = stablehlo.multiply %848, %850 : tensor<1x1x1x48xf32>
    %852 = stablehlo.reshape %851 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %853 = stablehlo.constant dense<0.0> : tensor<f32>
    %854 = stablehlo.reduce(%852 init: %853) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %855 = stablehlo.reshape %854 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %856 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %857 = stablehlo.broadcast_in_dim %856, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %858 = stablehlo.multiply %855, %857 : tensor<1x8x1xf32>
    %859 = stablehlo.reshape %858 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %860 = stablehlo.broadcast_in_dim %859, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %861 = stablehlo.reshape %860 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %862 = stablehlo.constant dense<0.000001> : tensor<f32>
    %863 = stablehlo.broadcast_in_dim %862, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %864 = stablehlo.add %861, %863 : tensor<1x1x1x48xf32>
    %865 = stablehlo.rsqrt %864 : tensor<1x1x1x48xf32>
    %866 = stablehlo.convert %arg23 : (tensor<48xbf16>) -> tensor<48xf32>
    %867 = stablehlo.reshape %866 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %868 = stablehlo.multiply %865, %867 : tensor<1x1x1x48xf32>
    %869 = stablehlo.reshape %868 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %870 = stablehlo.broadcast_in_dim %869, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %871 = stablehlo.multiply %838, %870 : tensor<1x32x32x48xf32>
    %872 = stablehlo.convert %arg24 : (tensor<48xbf16>) -> tensor<48xf32>
    %873 = stablehlo.reshape %872 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %874 = stablehlo.reshape %873 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %875 = stablehlo.broadcast_in_dim %874, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %876 = stablehlo.add %871, %875 : tensor<1x32x32x48xf32>
    %877 = stablehlo.convert %876 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %878 = stablehlo.convert %877 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %879 = stablehlo.logistic %878 : tensor<1x32x32x48xf32>
    %880 = stablehlo.multiply %878, %879 : tensor<1x32x32x48xf32>
    %881 = stablehlo.convert %880 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %882 = stablehlo.convolution(%881, %arg25) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x48xbf16>, tensor<48x48x3x3xbf16>) -> tensor<1x32x32x48xbf16>
    %883 = stablehlo.reshape %arg26 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %884 = stablehlo.reshape %883 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %885 = stablehlo.broadcast_in_dim %884, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %886 = stablehlo.add %882, %885 : tensor<1x32x32x48xbf16>
    %887 = stablehlo.add %738, %886 : tensor<1x32x32x48xbf16>
    %888 = stablehlo.convert %887 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %889 = stablehlo.constant dense<0.0> : tensor<f32>
    %890 = stablehlo.reduce(%888 init: %889) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %891 = stablehlo.reshape %890 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %892 = stablehlo.constant dense<0.03125> : tensor<f32>
    %893 = stablehlo.broadcast_in_dim %892, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %894 = stablehlo.multiply %891, %893 : tensor<1x32x1x48xf32>
    %895 = stablehlo.constant dense<0.0> : tensor<f32>
    %896 = stablehlo.reduce(%894 init: %895) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %897 = stablehlo.reshape %896 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %898 = stablehlo.constant dense<0.03125> : tensor<f32>
    %899 = stablehlo.broadcast_in_dim %898, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %900 = stablehlo.multiply %897, %899 : tensor<1x1x1x48xf32>
    %901 = stablehlo.reshape %900 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %902 = stablehlo.constant dense<0.0> : tensor<f32>
    %903 = stablehlo.reduce(%901 init: %902) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %904 = stablehlo.reshape %903 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %905 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %906 = stablehlo.broadcast_in_dim %905, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %907 = stablehlo.multiply %904, %906 : tensor<1x8x1xf32>
    %908 = stablehlo.reshape %907 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %909 = stablehlo.broadcast_in_dim %908, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %910 = stablehlo.reshape %909 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %911 = stablehlo.reshape %910 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %912 = stablehlo.broadcast_in_dim %911, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %913 = stablehlo.subtract %888, %912 : tensor<1x32x32x48xf32>
    %914 = stablehlo.multiply %913, %913 : tensor<1x32x32x48xf32>
    %915 = stablehlo.constant dense<0.0> : tensor<f32>
    %916 = stablehlo.reduce(%914 init: %915) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %917 = stablehlo.reshape %916 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %918 = stablehlo.constant dense<0.03125> : tensor<f32>
    %919 = stablehlo.broadcast_in_dim %918, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %920 = stablehlo.multiply %917, %919 : tensor<1x32x1x48xf32>
    %921 = stablehlo.constant dense<0.0> : tensor<f32>
    %922 = stablehlo.reduce(%920 init: %921) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %923 = stablehlo.reshape %922 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %924 = stablehlo.constant dense<0.03125> : tensor<f32>
    %925 = stablehlo.broadcast_in_dim %924, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %926 = stablehlo.multiply %923, %925 : tensor<1x1x1x48xf32>
    %927 = stablehlo.reshape %926 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %928 = stablehlo.constant dense<0.0> : tensor<f32>
    %929 = stablehlo.reduce(%927 init: %928) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %930 = stablehlo.reshape %929 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %931 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %932 = stablehlo.broadcast_in_dim %931, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %933 = stablehlo.multiply %930, %932 : tensor<1x8x1xf32>
    %934 = stablehlo.reshape %933 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %935 = stablehlo.broadcast_in_dim %934, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %936 = stablehlo.reshape %935 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %937 = stablehlo.constant dense<0.000001> : tensor<f32>
    %938 = stablehlo.broadcast_in_dim %937, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %939 = stablehlo.add %936, %938 : tensor<1x1x1x48xf32>
    %940 = stablehlo.rsqrt %939 : tensor<1x1x1x48xf32>
    %941 = stablehlo.convert %arg29 : (tensor<48xbf16>) -> tensor<48xf32>
    %942 = stablehlo.reshape %941 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %943 = stablehlo.multiply %940, %942 : tensor<1x1x1x48xf32>
    %944 = stablehlo.reshape %943 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %945 = stablehlo.broadcast_in_dim %944, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %946 = stablehlo.multiply %913, %945 : tensor<1x32x32x48xf32>
    %947 = stablehlo.convert %arg30 : (tensor<48xbf16>) -> tensor<48xf32>
    %948 = stablehlo.reshape %947 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %949 = stablehlo.reshape %948 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %950 = stablehlo.broadcast_in_dim %949, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %951 = stablehlo.add %946, %950 : tensor<1x32x32x48xf32>
    %952 = stablehlo.convert %951 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %953 = stablehlo.convert %952 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %954 = stablehlo.logistic %953 : tensor<1x32x32x48xf32>
    %955 = stablehlo.multiply %953, %954 : tensor<1x32x32x48xf32>
    %956 = stablehlo.convert %955 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %957 = stablehlo.convolution(%956, %arg31) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x48xbf16>, tensor<48x48x3x3xbf16>) -> tensor<1x32x32x48xbf16>
    %958 = stablehlo.reshape %arg32 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %959 = stablehlo.reshape %958 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %960 = stablehlo.broadcast_in_dim %959, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %961 = stablehlo.add %957, %960 : tensor<1x32x32x48xbf16>
    %962 = stablehlo.convert %961 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %963 = stablehlo.constant dense<0.0> : tensor<f32>
    %964 = stablehlo.reduce(%962 init: %963) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %965 = stablehlo.reshape %964 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %966 = stablehlo.constant dense<0.03125> : tensor<f32>
    %967 = stablehlo.broadcast_in_dim %966, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %968 = stablehlo.multiply %965, %967 : tensor<1x32x1x48xf32>
    %969 = stablehlo.constant dense<0.0> : tensor<f32>
    %970 = stablehlo.reduce(%968 init: %969) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %971 = stablehlo.reshape %970 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %972 = stablehlo.constant dense<0.03125> : tensor<f32>
    %973 = stablehlo.broadcast_in_dim %972, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %974 = stablehlo.multiply %971, %973 : tensor<1x1x1x48xf32>
    %975 = stablehlo.reshape %974 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %976 = stablehlo.constant dense<0.0> : tensor<f32>
    %977 = stablehlo.reduce(%975 init: %976) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %978 = stablehlo.reshape %977 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %979 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %980 = stablehlo.broadcast_in_dim %979, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %981 = stablehlo.multiply %978, %980 : tensor<1x8x1xf32>
    %982 = stablehlo.reshape %981 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %983 = stablehlo.broadcast_in_dim %982, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %984 = stablehlo.reshape %983 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %985 = stablehlo.reshape %984 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %986 = stablehlo.broadcast_in_dim %985, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %987 = stablehlo.subtract %962, %986 : tensor<1x32x32x48xf32>
    %988 = stablehlo.multiply %987, %987 : tensor<1x32x32x48xf32>
    %989 = stablehlo.constant dense<0.0> : tensor<f32>
    %990 = stablehlo.reduce(%988 init: %989) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %991 = stablehlo.reshape %990 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %992 = stablehlo.constant dense<0.03125> : tensor<f32>
    %993 = stablehlo.broadcast_in_dim %992, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %994 = stablehlo.multiply %991, %993 : tensor<1x32x1x48xf32>
    %995 = stablehlo.constant dense<0.0> : tensor<f32>
    %996 = stablehlo.reduce(%994 init: %995) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %997 = stablehlo.reshape %996 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %998 = stablehlo.constant dense<0.03125> : tensor<f32>
    %999 = stablehlo.broadcast_in_dim %998, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %1000 = stablehlo.multiply %997, %999 : tensor<1x1x1x48xf32>
    %1001 = stablehlo.reshape %1000 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %1002 = stablehlo.constant dense<0.0> : tensor<f32>
    %1003 = stablehlo.reduce(%1001 init: %1002) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1004 = stablehlo.reshape %1003 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1005 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %1006 = stablehlo.broadcast_in_dim %1005, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1007 = stablehlo.multiply %1004, %1006 : tensor<1x8x1xf32>
    %1008 = stablehlo.reshape %1007 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1009 = stablehlo.broadcast_in_dim %1008, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %1010 = stablehlo.reshape %1009 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %1011 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1012 = stablehlo.broadcast_in_dim %1011, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %1013 = stablehlo.add %1010, %1012 : tensor<1x1x1x48xf32>
    %1014 = stablehlo.rsqrt %1013 : tensor<1x1x1x48xf32>
    %1015 = stablehlo.convert %arg33 : (tensor<48xbf16>) -> tensor<48xf32>
    %1016 = stablehlo.reshape %1015 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %1017 = stablehlo.multiply %1014, %1016 : tensor<1x1x1x48xf32>
    %1018 = stablehlo.reshape %1017 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %1019 = stablehlo.broadcast_in_dim %1018, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %1020 = stablehlo.multiply %987, %1019 : tensor<1x32x32x48xf32>
    %1021 = stablehlo.convert %arg34 : (tensor<48xbf16>) -> tensor<48xf32>
    %1022 = stablehlo.reshape %1021 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %1023 = stablehlo.reshape %1022 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %1024 = stablehlo.broadcast_in_dim %1023, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %1025 = stablehlo.add %1020, %1024 : tensor<1x32x32x48xf32>
    %1026 = stablehlo.convert %1025 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %1027 = stablehlo.convert %1026 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %1028 = stablehlo.logistic %1027 : tensor<1x32x32x48xf32>
    %1029 = stablehlo.multiply %1027, %1028 : tensor<1x32x32x48xf32>
    %1030 = stablehlo.convert %1029 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %1031 = stablehlo.convolution(%1030, %arg35) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x48xbf16>, tensor<48x48x3x3xbf16>) -> tensor<1x32x32x48xbf16>
    %1032 = stablehlo.reshape %arg36 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %1033 = stablehlo.reshape %1032 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %1034 = stablehlo.broadcast_in_dim %1033, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %1035 = stablehlo.add %1031, %1034 : tensor<1x32x32x48xbf16>
    %1036 = stablehlo.add %887, %1035 : tensor<1x32x32x48xbf16>
    %1037 = stablehlo.reshape %1036 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x1x32x1x48xbf16>
    %1038 = stablehlo.reshape %1037 : (tensor<1x32x1x32x1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %1039 = stablehlo.broadcast_in_dim %1038, dims = [0, 1, 3, 5] : (tensor<1x32x32x48xbf16>) -> tensor<1x32x2x32x2x48xbf16>
    %1040 = stablehlo.reshape %1039 : (tensor<1x32x2x32x2x48xbf16>) -> tensor<1x64x64x48xbf16>
    %1041 = stablehlo.convolution(%1040, %arg37) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x48xbf16>, tensor<48x48x3x3xbf16>) -> tensor<1x64x64x48xbf16>
    %1042 = stablehlo.reshape %arg38 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %1043 = stablehlo.reshape %1042 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %1044 = stablehlo.broadcast_in_dim %1043, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x64x64x48xbf16>
    %1045 = stablehlo.add %1041, %1044 : tensor<1x64x64x48xbf16>
    %1046 = stablehlo.convolution(%1045, %arg47) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x48xbf16>, tensor<32x48x1x1xbf16>) -> tensor<1x64x64x32xbf16>
    %1047 = stablehlo.reshape %arg48 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %1048 = stablehlo.reshape %1047 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %1049 = stablehlo.broadcast_in_dim %1048, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %1050 = stablehlo.add %1046, %1049 : tensor<1x64x64x32xbf16>
    %1051 = stablehlo.convert %1045 : (tensor<1x64x64x48xbf16>) -> tensor<1x64x64x48xf32>
    %1052 = stablehlo.constant dense<0.0> : tensor<f32>
    %1053 = stablehlo.reduce(%1051 init: %1052) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x48xf32>, tensor<f32>) -> tensor<1x64x48xf32>
    %1054 = stablehlo.reshape %1053 : (tensor<1x64x48xf32>) -> tensor<1x64x1x48xf32>
    %1055 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1056 = stablehlo.broadcast_in_dim %1055, dims = [] : (tensor<f32>) -> tensor<1x64x1x48xf32>
    %1057 = stablehlo.multiply %1054, %1056 : tensor<1x64x1x48xf32>
    %1058 = stablehlo.constant dense<0.0> : tensor<f32>
    %1059 = stablehlo.reduce(%1057 init: %1058) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %1060 = stablehlo.reshape %1059 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %1061 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1062 = stablehlo.broadcast_in_dim %1061, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %1063 = stablehlo.multiply %1060, %1062 : tensor<1x1x1x48xf32>
    %1064 = stablehlo.reshape %1063 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %1065 = stablehlo.constant dense<0.0> : tensor<f32>
    %1066 = stablehlo.reduce(%1064 init: %1065) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1067 = stablehlo.reshape %1066 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1068 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %1069 = stablehlo.broadcast_in_dim %1068, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1070 = stablehlo.multiply %1067, %1069 : tensor<1x8x1xf32>
    %1071 = stablehlo.reshape %1070 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1072 = stablehlo.broadcast_in_dim %1071, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %1073 = stablehlo.reshape %1072 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %1074 = stablehlo.reshape %1073 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %1075 = stablehlo.broadcast_in_dim %1074, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x64x64x48xf32>
    %1076 = stablehlo.subtract %1051, %1075 : tensor<1x64x64x48xf32>
    %1077 = stablehlo.multiply %1076, %1076 : tensor<1x64x64x48xf32>
    %1078 = stablehlo.constant dense<0.0> : tensor<f32>
    %1079 = stablehlo.reduce(%1077 init: %1078) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x48xf32>, tensor<f32>) -> tensor<1x64x48xf32>
    %1080 = stablehlo.reshape %1079 : (tensor<1x64x48xf32>) -> tensor<1x64x1x48xf32>
    %1081 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1082 = stablehlo.broadcast_in_dim %1081, dims = [] : (tensor<f32>) -> tensor<1x64x1x48xf32>
    %1083 = stablehlo.multiply %1080, %1082 : tensor<1x64x1x48xf32>
    %1084 = stablehlo.constant dense<0.0> : tensor<f32>
    %1085 = stablehlo.reduce(%1083 init: %1084) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %1086 = stablehlo.reshape %1085 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %1087 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1088 = stablehlo.broadcast_in_dim %1087, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %1089 = stablehlo.multiply %1086, %1088 : tensor<1x1x1x48xf32>
    %1090 = stablehlo.reshape %1089 : (tensor<1x1x1x48xf32>) -> tensor<1x8x6xf32>
    %1091 = stablehlo.constant dense<0.0> : tensor<f32>
    %1092 = stablehlo.reduce(%1090 init: %1091) applies stablehlo.add across dimensions = [2] : (tensor<1x8x6xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1093 = stablehlo.reshape %1092 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1094 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %1095 = stablehlo.broadcast_in_dim %1094, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1096 = stablehlo.multiply %1093, %1095 : tensor<1x8x1xf32>
    %1097 = stablehlo.reshape %1096 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1098 = stablehlo.broadcast_in_dim %1097, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x6xf32>
    %1099 = stablehlo.reshape %1098 : (tensor<1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %1100 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1101 = stablehlo.broadcast_in_dim %1100, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %1102 = stablehlo.add %1099, %1101 : tensor<1x1x1x48xf32>
    %1103 = stablehlo.rsqrt %1102 : tensor<1x1x1x48xf32>
    %1104 = stablehlo.convert %arg39 : (tensor<48xbf16>) -> tensor<48xf32>
    %1105 = stablehlo.reshape %1104 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %1106 = stablehlo.multiply %1103, %1105 : tensor<1x1x1x48xf32>
    %1107 = stablehlo.reshape %1106 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %1108 = stablehlo.broadcast_in_dim %1107, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x64x64x48xf32>
    %1109 = stablehlo.multiply %1076, %1108 : tensor<1x64x64x48xf32>
    %1110 = stablehlo.convert %arg40 : (tensor<48xbf16>) -> tensor<48xf32>
    %1111 = stablehlo.reshape %1110 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %1112 = stablehlo.reshape %1111 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %1113 = stablehlo.broadcast_in_dim %1112, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x64x64x48xf32>
    %1114 = stablehlo.add %1109, %1113 : tensor<1x64x64x48xf32>
    %1115 = stablehlo.convert %1114 : (tensor<1x64x64x48xf32>) -> tensor<1x64x64x48xbf16>
    %1116 = stablehlo.convert %1115 : (tensor<1x64x64x48xbf16>) -> tensor<1x64x64x48xf32>
    %1117 = stablehlo.logistic %1116 : tensor<1x64x64x48xf32>
    %1118 = stablehlo.multiply %1116, %1117 : tensor<1x64x64x48xf32>
    %1119 = stablehlo.convert %1118 : (tensor<1x64x64x48xf32>) -> tensor<1x64x64x48xbf16>
    %1120 = stablehlo.convolution(%1119, %arg41) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x48xbf16>, tensor<32x48x3x3xbf16>) -> tensor<1x64x64x32xbf16>
    %1121 = stablehlo.reshape %arg42 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %1122 = stablehlo.reshape %1121 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %1123 = stablehlo.broadcast_in_dim %1122, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %1124 = stablehlo.add %1120, %1123 : tensor<1x64x64x32xbf16>
    %1125 = stablehlo.convert %1124 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x64x32xf32>
    %1126 = stablehlo.constant dense<0.0> : tensor<f32>
    %1127 = stablehlo.reduce(%1125 init: %1126) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x32xf32>, tensor<f32>) -> tensor<1x64x32xf32>
    %1128 = stablehlo.reshape %1127 : (tensor<1x64x32xf32>) -> tensor<1x64x1x32xf32>
    %1129 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1130 = stablehlo.broadcast_in_dim %1129, dims = [] : (tensor<f32>) -> tensor<1x64x1x32xf32>
    %1131 = stablehlo.multiply %1128, %1130 : tensor<1x64x1x32xf32>
    %1132 = stablehlo.constant dense<0.0> : tensor<f32>
    %1133 = stablehlo.reduce(%1131 init: %1132) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %1134 = stablehlo.reshape %1133 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %1135 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1136 = stablehlo.broadcast_in_dim %1135, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1137 = stablehlo.multiply %1134, %1136 : tensor<1x1x1x32xf32>
    %1138 = stablehlo.reshape %1137 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %1139 = stablehlo.constant dense<0.0> : tensor<f32>
    %1140 = stablehlo.reduce(%1138 init: %1139) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1141 = stablehlo.reshape %1140 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1142 = stablehlo.constant dense<0.25> : tensor<f32>
    %1143 = stablehlo.broadcast_in_dim %1142, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1144 = stablehlo.multiply %1141, %1143 : tensor<1x8x1xf32>
    %1145 = stablehlo.reshape %1144 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1146 = stablehlo.broadcast_in_dim %1145, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %1147 = stablehlo.reshape %1146 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %1148 = stablehlo.reshape %1147 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1149 = stablehlo.broadcast_in_dim %1148, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1150 = stablehlo.subtract %1125, %1149 : tensor<1x64x64x32xf32>
    %1151 = stablehlo.multiply %1150, %1150 : tensor<1x64x64x32xf32>
    %1152 = stablehlo.constant dense<0.0> : tensor<f32>
    %1153 = stablehlo.reduce(%1151 init: %1152) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x32xf32>, tensor<f32>) -> tensor<1x64x32xf32>
    %1154 = stablehlo.reshape %1153 : (tensor<1x64x32xf32>) -> tensor<1x64x1x32xf32>
    %1155 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1156 = stablehlo.broadcast_in_dim %1155, dims = [] : (tensor<f32>) -> tensor<1x64x1x32xf32>
    %1157 = stablehlo.multiply %1154, %1156 : tensor<1x64x1x32xf32>
    %1158 = stablehlo.constant dense<0.0> : tensor<f32>
    %1159 = stablehlo.reduce(%1157 init: %1158) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %1160 = stablehlo.reshape %1159 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %1161 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1162 = stablehlo.broadcast_in_dim %1161, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1163 = stablehlo.multiply %1160, %1162 : tensor<1x1x1x32xf32>
    %1164 = stablehlo.reshape %1163 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %1165 = stablehlo.constant dense<0.0> : tensor<f32>
    %1166 = stablehlo.reduce(%1164 init: %1165) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1167 = stablehlo.reshape %1166 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1168 = stablehlo.constant dense<0.25> : tensor<f32>
    %1169 = stablehlo.broadcast_in_dim %1168, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1170 = stablehlo.multiply %1167, %1169 : tensor<1x8x1xf32>
    %1171 = stablehlo.reshape %1170 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1172 = stablehlo.broadcast_in_dim %1171, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %1173 = stablehlo.reshape %1172 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %1174 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1175 = stablehlo.broadcast_in_dim %1174, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1176 = stablehlo.add %1173, %1175 : tensor<1x1x1x32xf32>
    %1177 = stablehlo.rsqrt %1176 : tensor<1x1x1x32xf32>
    %1178 = stablehlo.convert %arg43 : (tensor<32xbf16>) -> tensor<32xf32>
    %1179 = stablehlo.reshape %1178 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %1180 = stablehlo.multiply %1177, %1179 : tensor<1x1x1x32xf32>
    %1181 = stablehlo.reshape %1180 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1182 = stablehlo.broadcast_in_dim %1181, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1183 = stablehlo.multiply %1150, %1182 : tensor<1x64x64x32xf32>
    %1184 = stablehlo.convert %arg44 : (tensor<32xbf16>) -> tensor<32xf32>
    %1185 = stablehlo.reshape %1184 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %1186 = stablehlo.reshape %1185 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1187 = stablehlo.broadcast_in_dim %1186, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1188 = stablehlo.add %1183, %1187 : tensor<1x64x64x32xf32>
    %1189 = stablehlo.convert %1188 : (tensor<1x64x64x32xf32>) -> tensor<1x64x64x32xbf16>
    %1190 = stablehlo.convert %1189 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x64x32xf32>
    %1191 = stablehlo.logistic %1190 : tensor<1x64x64x32xf32>
    %1192 = stablehlo.multiply %1190, %1191 : tensor<1x64x64x32xf32>
    %1193 = stablehlo.convert %1192 : (tensor<1x64x64x32xf32>) -> tensor<1x64x64x32xbf16>
    %1194 = stablehlo.convolution(%1193, %arg45) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x32xbf16>, tensor<32x32x3x3xbf16>) -> tensor<1x64x64x32xbf16>
    %1195 = stablehlo.reshape %arg46 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %1196 = stablehlo.reshape %1195 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %1197 = stablehlo.broadcast_in_dim %1196, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %1198 = stablehlo.add %1194, %1197 : tensor<1x64x64x32xbf16>
    %1199 = stablehlo.add %1050, %1198 : tensor<1x64x64x32xbf16>
    %1200 = stablehlo.convert %1199 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x64x32xf32>
    %1201 = stablehlo.constant dense<0.0> : tensor<f32>
    %1202 = stablehlo.reduce(%1200 init: %1201) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x32xf32>, tensor<f32>) -> tensor<1x64x32xf32>
    %1203 = stablehlo.reshape %1202 : (tensor<1x64x32xf32>) -> tensor<1x64x1x32xf32>
    %1204 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1205 = stablehlo.broadcast_in_dim %1204, dims = [] : (tensor<f32>) -> tensor<1x64x1x32xf32>
    %1206 = stablehlo.multiply %1203, %1205 : tensor<1x64x1x32xf32>
    %1207 = stablehlo.constant dense<0.0> : tensor<f32>
    %1208 = stablehlo.reduce(%1206 init: %1207) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %1209 = stablehlo.reshape %1208 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %1210 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1211 = stablehlo.broadcast_in_dim %1210, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1212 = stablehlo.multiply %1209, %1211 : tensor<1x1x1x32xf32>
    %1213 = stablehlo.reshape %1212 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %1214 = stablehlo.constant dense<0.0> : tensor<f32>
    %1215 = stablehlo.reduce(%1213 init: %1214) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1216 = stablehlo.reshape %1215 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1217 = stablehlo.constant dense<0.25> : tensor<f32>
    %1218 = stablehlo.broadcast_in_dim %1217, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1219 = stablehlo.multiply %1216, %1218 : tensor<1x8x1xf32>
    %1220 = stablehlo.reshape %1219 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1221 = stablehlo.broadcast_in_dim %1220, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %1222 = stablehlo.reshape %1221 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %1223 = stablehlo.reshape %1222 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1224 = stablehlo.broadcast_in_dim %1223, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1225 = stablehlo.subtract %1200, %1224 : tensor<1x64x64x32xf32>
    %1226 = stablehlo.multiply %1225, %1225 : tensor<1x64x64x32xf32>
    %1227 = stablehlo.constant dense<0.0> : tensor<f32>
    %1228 = stablehlo.reduce(%1226 init: %1227) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x32xf32>, tensor<f32>) -> tensor<1x64x32xf32>
    %1229 = stablehlo.reshape %1228 : (tensor<1x64x32xf32>) -> tensor<1x64x1x32xf32>
    %1230 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1231 = stablehlo.broadcast_in_dim %1230, dims = [] : (tensor<f32>) -> tensor<1x64x1x32xf32>
    %1232 = stablehlo.multiply %1229, %1231 : tensor<1x64x1x32xf32>
    %1233 = stablehlo.constant dense<0.0> : tensor<f32>
    %1234 = stablehlo.reduce(%1232 init: %1233) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %1235 = stablehlo.reshape %1234 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %1236 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1237 = stablehlo.broadcast_in_dim %1236, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1238 = stablehlo.multiply %1235, %1237 : tensor<1x1x1x32xf32>
    %1239 = stablehlo.reshape %1238 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %1240 = stablehlo.constant dense<0.0> : tensor<f32>
    %1241 = stablehlo.reduce(%1239 init: %1240) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1242 = stablehlo.reshape %1241 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1243 = stablehlo.constant dense<0.25> : tensor<f32>
    %1244 = stablehlo.broadcast_in_dim %1243, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1245 = stablehlo.multiply %1242, %1244 : tensor<1x8x1xf32>
    %1246 = stablehlo.reshape %1245 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1247 = stablehlo.broadcast_in_dim %1246, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %1248 = stablehlo.reshape %1247 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %1249 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1250 = stablehlo.broadcast_in_dim %1249, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1251 = stablehlo.add %1248, %1250 : tensor<1x1x1x32xf32>
    %1252 = stablehlo.rsqrt %1251 : tensor<1x1x1x32xf32>
    %1253 = stablehlo.convert %arg49 : (tensor<32xbf16>) -> tensor<32xf32>
    %1254 = stablehlo.reshape %1253 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %1255 = stablehlo.multiply %1252, %1254 : tensor<1x1x1x32xf32>
    %1256 = stablehlo.reshape %1255 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1257 = stablehlo.broadcast_in_dim %1256, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1258 = stablehlo.multiply %1225, %1257 : tensor<1x64x64x32xf32>
    %1259 = stablehlo.convert %arg50 : (tensor<32xbf16>) -> tensor<32xf32>
    %1260 = stablehlo.reshape %1259 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %1261 = stablehlo.reshape %1260 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1262 = stablehlo.broadcast_in_dim %1261, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1263 = stablehlo.add %1258, %1262 : tensor<1x64x64x32xf32>
    %1264 = stablehlo.convert %1263 : (tensor<1x64x64x32xf32>) -> tensor<1x64x64x32xbf16>
    %1265 = stablehlo.convert %1264 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x64x32xf32>
    %1266 = stablehlo.logistic %1265 : tensor<1x64x64x32xf32>
    %1267 = stablehlo.multiply %1265, %1266 : tensor<1x64x64x32xf32>
    %1268 = stablehlo.convert %1267 : (tensor<1x64x64x32xf32>) -> tensor<1x64x64x32xbf16>
    %1269 = stablehlo.convolution(%1268, %arg51) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x32xbf16>, tensor<32x32x3x3xbf16>) -> tensor<1x64x64x32xbf16>
    %1270 = stablehlo.reshape %arg52 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %1271 = stablehlo.reshape %1270 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %1272 = stablehlo.broadcast_in_dim %1271, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %1273 = stablehlo.add %1269, %1272 : tensor<1x64x64x32xbf16>
    %1274 = stablehlo.convert %1273 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x64x32xf32>
    %1275 = stablehlo.constant dense<0.0> : tensor<f32>
    %1276 = stablehlo.reduce(%1274 init: %1275) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x32xf32>, tensor<f32>) -> tensor<1x64x32xf32>
    %1277 = stablehlo.reshape %1276 : (tensor<1x64x32xf32>) -> tensor<1x64x1x32xf32>
    %1278 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1279 = stablehlo.broadcast_in_dim %1278, dims = [] : (tensor<f32>) -> tensor<1x64x1x32xf32>
    %1280 = stablehlo.multiply %1277, %1279 : tensor<1x64x1x32xf32>
    %1281 = stablehlo.constant dense<0.0> : tensor<f32>
    %1282 = stablehlo.reduce(%1280 init: %1281) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %1283 = stablehlo.reshape %1282 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %1284 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1285 = stablehlo.broadcast_in_dim %1284, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1286 = stablehlo.multiply %1283, %1285 : tensor<1x1x1x32xf32>
    %1287 = stablehlo.reshape %1286 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %1288 = stablehlo.constant dense<0.0> : tensor<f32>
    %1289 = stablehlo.reduce(%1287 init: %1288) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1290 = stablehlo.reshape %1289 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1291 = stablehlo.constant dense<0.25> : tensor<f32>
    %1292 = stablehlo.broadcast_in_dim %1291, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1293 = stablehlo.multiply %1290, %1292 : tensor<1x8x1xf32>
    %1294 = stablehlo.reshape %1293 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1295 = stablehlo.broadcast_in_dim %1294, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %1296 = stablehlo.reshape %1295 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %1297 = stablehlo.reshape %1296 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1298 = stablehlo.broadcast_in_dim %1297, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1299 = stablehlo.subtract %1274, %1298 : tensor<1x64x64x32xf32>
    %1300 = stablehlo.multiply %1299, %1299 : tensor<1x64x64x32xf32>
    %1301 = stablehlo.constant dense<0.0> : tensor<f32>
    %1302 = stablehlo.reduce(%1300 init: %1301) applies stablehlo.add across dimensions = [2] : (tensor<1x64x64x32xf32>, tensor<f32>) -> tensor<1x64x32xf32>
    %1303 = stablehlo.reshape %1302 : (tensor<1x64x32xf32>) -> tensor<1x64x1x32xf32>
    %1304 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1305 = stablehlo.broadcast_in_dim %1304, dims = [] : (tensor<f32>) -> tensor<1x64x1x32xf32>
    %1306 = stablehlo.multiply %1303, %1305 : tensor<1x64x1x32xf32>
    %1307 = stablehlo.constant dense<0.0> : tensor<f32>
    %1308 = stablehlo.reduce(%1306 init: %1307) applies stablehlo.add across dimensions = [1] : (tensor<1x64x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %1309 = stablehlo.reshape %1308 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %1310 = stablehlo.constant dense<0.015625> : tensor<f32>
    %1311 = stablehlo.broadcast_in_dim %1310, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1312 = stablehlo.multiply %1309, %1311 : tensor<1x1x1x32xf32>
    %1313 = stablehlo.reshape %1312 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %1314 = stablehlo.constant dense<0.0> : tensor<f32>
    %1315 = stablehlo.reduce(%1313 init: %1314) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1316 = stablehlo.reshape %1315 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1317 = stablehlo.constant dense<0.25> : tensor<f32>
    %1318 = stablehlo.broadcast_in_dim %1317, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1319 = stablehlo.multiply %1316, %1318 : tensor<1x8x1xf32>
    %1320 = stablehlo.reshape %1319 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1321 = stablehlo.broadcast_in_dim %1320, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %1322 = stablehlo.reshape %1321 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %1323 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1324 = stablehlo.broadcast_in_dim %1323, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1325 = stablehlo.add %1322, %1324 : tensor<1x1x1x32xf32>
    %1326 = stablehlo.rsqrt %1325 : tensor<1x1x1x32xf32>
    %1327 = stablehlo.convert %arg53 : (tensor<32xbf16>) -> tensor<32xf32>
    %1328 = stablehlo.reshape %1327 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %1329 = stablehlo.multiply %1326, %1328 : tensor<1x1x1x32xf32>
    %1330 = stablehlo.reshape %1329 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1331 = stablehlo.broadcast_in_dim %1330, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1332 = stablehlo.multiply %1299, %1331 : tensor<1x64x64x32xf32>
    %1333 = stablehlo.convert %arg54 : (tensor<32xbf16>) -> tensor<32xf32>
    %1334 = stablehlo.reshape %1333 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %1335 = stablehlo.reshape %1334 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1336 = stablehlo.broadcast_in_dim %1335, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x64x64x32xf32>
    %1337 = stablehlo.add %1332, %1336 : tensor<1x64x64x32xf32>
    %1338 = stablehlo.convert %1337 : (tensor<1x64x64x32xf32>) -> tensor<1x64x64x32xbf16>
    %1339 = stablehlo.convert %1338 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x64x32xf32>
    %1340 = stablehlo.logistic %1339 : tensor<1x64x64x32xf32>
    %1341 = stablehlo.multiply %1339, %1340 : tensor<1x64x64x32xf32>
    %1342 = stablehlo.convert %1341 : (tensor<1x64x64x32xf32>) -> tensor<1x64x64x32xbf16>
    %1343 = stablehlo.convolution(%1342, %arg55) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x64x64x32xbf16>, tensor<32x32x3x3xbf16>) -> tensor<1x64x64x32xbf16>
    %1344 = stablehlo.reshape %arg56 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %1345 = stablehlo.reshape %1344 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %1346 = stablehlo.broadcast_in_dim %1345, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %1347 = stablehlo.add %1343, %1346 : tensor<1x64x64x32xbf16>
    %1348 = stablehlo.add %1199, %1347 : tensor<1x64x64x32xbf16>
    %1349 = stablehlo.reshape %1348 : (tensor<1x64x64x32xbf16>) -> tensor<1x64x1x64x1x32xbf16>
    %1350 = stablehlo.reshape %1349 : (tensor<1x64x1x64x1x32xbf16>) -> tensor<1x64x64x32xbf16>
    %1351 = stablehlo.broadcast_in_dim %1350, dims = [0, 1, 3, 5] : (tensor<1x64x64x32xbf16>) -> tensor<1x64x2x64x2x32xbf16>
    %1352 = stablehlo.reshape %1351 : (tensor<1x64x2x64x2x32xbf16>) -> tensor<1x128x128x32xbf16>
    %1353 = stablehlo.convolution(%1352, %arg57) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x32xbf16>, tensor<32x32x3x3xbf16>) -> tensor<1x128x128x32xbf16>
    %1354 = stablehlo.reshape %arg58 : (tensor<32xbf16>) -> tensor<1x1x1x32xbf16>
    %1355 = stablehlo.reshape %1354 : (tensor<1x1x1x32xbf16>) -> tensor<1x32xbf16>
    %1356 = stablehlo.broadcast_in_dim %1355, dims = [0, 3] : (tensor<1x32xbf16>) -> tensor<1x128x128x32xbf16>
    %1357 = stablehlo.add %1353, %1356 : tensor<1x128x128x32xbf16>
    %1358 = stablehlo.convolution(%1357, %arg67) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x32xbf16>, tensor<16x32x1x1xbf16>) -> tensor<1x128x128x16xbf16>
    %1359 = stablehlo.reshape %arg68 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %1360 = stablehlo.reshape %1359 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %1361 = stablehlo.broadcast_in_dim %1360, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %1362 = stablehlo.add %1358, %1361 : tensor<1x128x128x16xbf16>
    %1363 = stablehlo.convert %1357 : (tensor<1x128x128x32xbf16>) -> tensor<1x128x128x32xf32>
    %1364 = stablehlo.constant dense<0.0> : tensor<f32>
    %1365 = stablehlo.reduce(%1363 init: %1364) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x32xf32>, tensor<f32>) -> tensor<1x128x32xf32>
    %1366 = stablehlo.reshape %1365 : (tensor<1x128x32xf32>) -> tensor<1x128x1x32xf32>
    %1367 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1368 = stablehlo.broadcast_in_dim %1367, dims = [] : (tensor<f32>) -> tensor<1x128x1x32xf32>
    %1369 = stablehlo.multiply %1366, %1368 : tensor<1x128x1x32xf32>
    %1370 = stablehlo.constant dense<0.0> : tensor<f32>
    %1371 = stablehlo.reduce(%1369 init: %1370) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %1372 = stablehlo.reshape %1371 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %1373 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1374 = stablehlo.broadcast_in_dim %1373, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1375 = stablehlo.multiply %1372, %1374 : tensor<1x1x1x32xf32>
    %1376 = stablehlo.reshape %1375 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %1377 = stablehlo.constant dense<0.0> : tensor<f32>
    %1378 = stablehlo.reduce(%1376 init: %1377) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1379 = stablehlo.reshape %1378 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1380 = stablehlo.constant dense<0.25> : tensor<f32>
    %1381 = stablehlo.broadcast_in_dim %1380, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1382 = stablehlo.multiply %1379, %1381 : tensor<1x8x1xf32>
    %1383 = stablehlo.reshape %1382 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1384 = stablehlo.broadcast_in_dim %1383, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %1385 = stablehlo.reshape %1384 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %1386 = stablehlo.reshape %1385 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1387 = stablehlo.broadcast_in_dim %1386, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x128x128x32xf32>
    %1388 = stablehlo.subtract %1363, %1387 : tensor<1x128x128x32xf32>
    %1389 = stablehlo.multiply %1388, %1388 : tensor<1x128x128x32xf32>
    %1390 = stablehlo.constant dense<0.0> : tensor<f32>
    %1391 = stablehlo.reduce(%1389 init: %1390) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x32xf32>, tensor<f32>) -> tensor<1x128x32xf32>
    %1392 = stablehlo.reshape %1391 : (tensor<1x128x32xf32>) -> tensor<1x128x1x32xf32>
    %1393 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1394 = stablehlo.broadcast_in_dim %1393, dims = [] : (tensor<f32>) -> tensor<1x128x1x32xf32>
    %1395 = stablehlo.multiply %1392, %1394 : tensor<1x128x1x32xf32>
    %1396 = stablehlo.constant dense<0.0> : tensor<f32>
    %1397 = stablehlo.reduce(%1395 init: %1396) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %1398 = stablehlo.reshape %1397 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %1399 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1400 = stablehlo.broadcast_in_dim %1399, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1401 = stablehlo.multiply %1398, %1400 : tensor<1x1x1x32xf32>
    %1402 = stablehlo.reshape %1401 : (tensor<1x1x1x32xf32>) -> tensor<1x8x4xf32>
    %1403 = stablehlo.constant dense<0.0> : tensor<f32>
    %1404 = stablehlo.reduce(%1402 init: %1403) applies stablehlo.add across dimensions = [2] : (tensor<1x8x4xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1405 = stablehlo.reshape %1404 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1406 = stablehlo.constant dense<0.25> : tensor<f32>
    %1407 = stablehlo.broadcast_in_dim %1406, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1408 = stablehlo.multiply %1405, %1407 : tensor<1x8x1xf32>
    %1409 = stablehlo.reshape %1408 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1410 = stablehlo.broadcast_in_dim %1409, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x4xf32>
    %1411 = stablehlo.reshape %1410 : (tensor<1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %1412 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1413 = stablehlo.broadcast_in_dim %1412, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %1414 = stablehlo.add %1411, %1413 : tensor<1x1x1x32xf32>
    %1415 = stablehlo.rsqrt %1414 : tensor<1x1x1x32xf32>
    %1416 = stablehlo.convert %arg59 : (tensor<32xbf16>) -> tensor<32xf32>
    %1417 = stablehlo.reshape %1416 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %1418 = stablehlo.multiply %1415, %1417 : tensor<1x1x1x32xf32>
    %1419 = stablehlo.reshape %1418 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1420 = stablehlo.broadcast_in_dim %1419, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x128x128x32xf32>
    %1421 = stablehlo.multiply %1388, %1420 : tensor<1x128x128x32xf32>
    %1422 = stablehlo.convert %arg60 : (tensor<32xbf16>) -> tensor<32xf32>
    %1423 = stablehlo.reshape %1422 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %1424 = stablehlo.reshape %1423 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %1425 = stablehlo.broadcast_in_dim %1424, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x128x128x32xf32>
    %1426 = stablehlo.add %1421, %1425 : tensor<1x128x128x32xf32>
    %1427 = stablehlo.convert %1426 : (tensor<1x128x128x32xf32>) -> tensor<1x128x128x32xbf16>
    %1428 = stablehlo.convert %1427 : (tensor<1x128x128x32xbf16>) -> tensor<1x128x128x32xf32>
    %1429 = stablehlo.logistic %1428 : tensor<1x128x128x32xf32>
    %1430 = stablehlo.multiply %1428, %1429 : tensor<1x128x128x32xf32>
    %1431 = stablehlo.convert %1430 : (tensor<1x128x128x32xf32>) -> tensor<1x128x128x32xbf16>
    %1432 = stablehlo.convolution(%1431, %arg61) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x32xbf16>, tensor<16x32x3x3xbf16>) -> tensor<1x128x128x16xbf16>
    %1433 = stablehlo.reshape %arg62 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %1434 = stablehlo.reshape %1433 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %1435 = stablehlo.broadcast_in_dim %1434, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %1436 = stablehlo.add %1432, %1435 : tensor<1x128x128x16xbf16>
    %1437 = stablehlo.convert %1436 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %1438 = stablehlo.constant dense<0.0> : tensor<f32>
    %1439 = stablehlo.reduce(%1437 init: %1438) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %1440 = stablehlo.reshape %1439 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %1441 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1442 = stablehlo.broadcast_in_dim %1441, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %1443 = stablehlo.multiply %1440, %1442 : tensor<1x128x1x16xf32>
    %1444 = stablehlo.constant dense<0.0> : tensor<f32>
    %1445 = stablehlo.reduce(%1443 init: %1444) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %1446 = stablehlo.reshape %1445 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %1447 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1448 = stablehlo.broadcast_in_dim %1447, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1449 = stablehlo.multiply %1446, %1448 : tensor<1x1x1x16xf32>
    %1450 = stablehlo.reshape %1449 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %1451 = stablehlo.constant dense<0.0> : tensor<f32>
    %1452 = stablehlo.reduce(%1450 init: %1451) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1453 = stablehlo.reshape %1452 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1454 = stablehlo.constant dense<0.5> : tensor<f32>
    %1455 = stablehlo.broadcast_in_dim %1454, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1456 = stablehlo.multiply %1453, %1455 : tensor<1x8x1xf32>
    %1457 = stablehlo.reshape %1456 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1458 = stablehlo.broadcast_in_dim %1457, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %1459 = stablehlo.reshape %1458 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %1460 = stablehlo.reshape %1459 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1461 = stablehlo.broadcast_in_dim %1460, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1462 = stablehlo.subtract %1437, %1461 : tensor<1x128x128x16xf32>
    %1463 = stablehlo.multiply %1462, %1462 : tensor<1x128x128x16xf32>
    %1464 = stablehlo.constant dense<0.0> : tensor<f32>
    %1465 = stablehlo.reduce(%1463 init: %1464) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %1466 = stablehlo.reshape %1465 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %1467 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1468 = stablehlo.broadcast_in_dim %1467, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %1469 = stablehlo.multiply %1466, %1468 : tensor<1x128x1x16xf32>
    %1470 = stablehlo.constant dense<0.0> : tensor<f32>
    %1471 = stablehlo.reduce(%1469 init: %1470) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %1472 = stablehlo.reshape %1471 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %1473 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1474 = stablehlo.broadcast_in_dim %1473, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1475 = stablehlo.multiply %1472, %1474 : tensor<1x1x1x16xf32>
    %1476 = stablehlo.reshape %1475 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %1477 = stablehlo.constant dense<0.0> : tensor<f32>
    %1478 = stablehlo.reduce(%1476 init: %1477) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1479 = stablehlo.reshape %1478 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1480 = stablehlo.constant dense<0.5> : tensor<f32>
    %1481 = stablehlo.broadcast_in_dim %1480, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1482 = stablehlo.multiply %1479, %1481 : tensor<1x8x1xf32>
    %1483 = stablehlo.reshape %1482 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1484 = stablehlo.broadcast_in_dim %1483, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %1485 = stablehlo.reshape %1484 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %1486 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1487 = stablehlo.broadcast_in_dim %1486, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1488 = stablehlo.add %1485, %1487 : tensor<1x1x1x16xf32>
    %1489 = stablehlo.rsqrt %1488 : tensor<1x1x1x16xf32>
    %1490 = stablehlo.convert %arg63 : (tensor<16xbf16>) -> tensor<16xf32>
    %1491 = stablehlo.reshape %1490 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %1492 = stablehlo.multiply %1489, %1491 : tensor<1x1x1x16xf32>
    %1493 = stablehlo.reshape %1492 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1494 = stablehlo.broadcast_in_dim %1493, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1495 = stablehlo.multiply %1462, %1494 : tensor<1x128x128x16xf32>
    %1496 = stablehlo.convert %arg64 : (tensor<16xbf16>) -> tensor<16xf32>
    %1497 = stablehlo.reshape %1496 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %1498 = stablehlo.reshape %1497 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1499 = stablehlo.broadcast_in_dim %1498, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1500 = stablehlo.add %1495, %1499 : tensor<1x128x128x16xf32>
    %1501 = stablehlo.convert %1500 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %1502 = stablehlo.convert %1501 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %1503 = stablehlo.logistic %1502 : tensor<1x128x128x16xf32>
    %1504 = stablehlo.multiply %1502, %1503 : tensor<1x128x128x16xf32>
    %1505 = stablehlo.convert %1504 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %1506 = stablehlo.convolution(%1505, %arg65) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x16xbf16>, tensor<16x16x3x3xbf16>) -> tensor<1x128x128x16xbf16>
    %1507 = stablehlo.reshape %arg66 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %1508 = stablehlo.reshape %1507 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %1509 = stablehlo.broadcast_in_dim %1508, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %1510 = stablehlo.add %1506, %1509 : tensor<1x128x128x16xbf16>
    %1511 = stablehlo.add %1362, %1510 : tensor<1x128x128x16xbf16>
    %1512 = stablehlo.convert %1511 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %1513 = stablehlo.constant dense<0.0> : tensor<f32>
    %1514 = stablehlo.reduce(%1512 init: %1513) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %1515 = stablehlo.reshape %1514 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %1516 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1517 = stablehlo.broadcast_in_dim %1516, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %1518 = stablehlo.multiply %1515, %1517 : tensor<1x128x1x16xf32>
    %1519 = stablehlo.constant dense<0.0> : tensor<f32>
    %1520 = stablehlo.reduce(%1518 init: %1519) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %1521 = stablehlo.reshape %1520 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %1522 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1523 = stablehlo.broadcast_in_dim %1522, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1524 = stablehlo.multiply %1521, %1523 : tensor<1x1x1x16xf32>
    %1525 = stablehlo.reshape %1524 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %1526 = stablehlo.constant dense<0.0> : tensor<f32>
    %1527 = stablehlo.reduce(%1525 init: %1526) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1528 = stablehlo.reshape %1527 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1529 = stablehlo.constant dense<0.5> : tensor<f32>
    %1530 = stablehlo.broadcast_in_dim %1529, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1531 = stablehlo.multiply %1528, %1530 : tensor<1x8x1xf32>
    %1532 = stablehlo.reshape %1531 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1533 = stablehlo.broadcast_in_dim %1532, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %1534 = stablehlo.reshape %1533 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %1535 = stablehlo.reshape %1534 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1536 = stablehlo.broadcast_in_dim %1535, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1537 = stablehlo.subtract %1512, %1536 : tensor<1x128x128x16xf32>
    %1538 = stablehlo.multiply %1537, %1537 : tensor<1x128x128x16xf32>
    %1539 = stablehlo.constant dense<0.0> : tensor<f32>
    %1540 = stablehlo.reduce(%1538 init: %1539) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %1541 = stablehlo.reshape %1540 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %1542 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1543 = stablehlo.broadcast_in_dim %1542, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %1544 = stablehlo.multiply %1541, %1543 : tensor<1x128x1x16xf32>
    %1545 = stablehlo.constant dense<0.0> : tensor<f32>
    %1546 = stablehlo.reduce(%1544 init: %1545) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %1547 = stablehlo.reshape %1546 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %1548 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1549 = stablehlo.broadcast_in_dim %1548, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1550 = stablehlo.multiply %1547, %1549 : tensor<1x1x1x16xf32>
    %1551 = stablehlo.reshape %1550 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %1552 = stablehlo.constant dense<0.0> : tensor<f32>
    %1553 = stablehlo.reduce(%1551 init: %1552) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1554 = stablehlo.reshape %1553 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1555 = stablehlo.constant dense<0.5> : tensor<f32>
    %1556 = stablehlo.broadcast_in_dim %1555, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1557 = stablehlo.multiply %1554, %1556 : tensor<1x8x1xf32>
    %1558 = stablehlo.reshape %1557 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1559 = stablehlo.broadcast_in_dim %1558, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %1560 = stablehlo.reshape %1559 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %1561 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1562 = stablehlo.broadcast_in_dim %1561, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1563 = stablehlo.add %1560, %1562 : tensor<1x1x1x16xf32>
    %1564 = stablehlo.rsqrt %1563 : tensor<1x1x1x16xf32>
    %1565 = stablehlo.convert %arg69 : (tensor<16xbf16>) -> tensor<16xf32>
    %1566 = stablehlo.reshape %1565 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %1567 = stablehlo.multiply %1564, %1566 : tensor<1x1x1x16xf32>
    %1568 = stablehlo.reshape %1567 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1569 = stablehlo.broadcast_in_dim %1568, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1570 = stablehlo.multiply %1537, %1569 : tensor<1x128x128x16xf32>
    %1571 = stablehlo.convert %arg70 : (tensor<16xbf16>) -> tensor<16xf32>
    %1572 = stablehlo.reshape %1571 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %1573 = stablehlo.reshape %1572 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1574 = stablehlo.broadcast_in_dim %1573, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1575 = stablehlo.add %1570, %1574 : tensor<1x128x128x16xf32>
    %1576 = stablehlo.convert %1575 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %1577 = stablehlo.convert %1576 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %1578 = stablehlo.logistic %1577 : tensor<1x128x128x16xf32>
    %1579 = stablehlo.multiply %1577, %1578 : tensor<1x128x128x16xf32>
    %1580 = stablehlo.convert %1579 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %1581 = stablehlo.convolution(%1580, %arg71) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x16xbf16>, tensor<16x16x3x3xbf16>) -> tensor<1x128x128x16xbf16>
    %1582 = stablehlo.reshape %arg72 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %1583 = stablehlo.reshape %1582 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %1584 = stablehlo.broadcast_in_dim %1583, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %1585 = stablehlo.add %1581, %1584 : tensor<1x128x128x16xbf16>
    %1586 = stablehlo.convert %1585 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %1587 = stablehlo.constant dense<0.0> : tensor<f32>
    %1588 = stablehlo.reduce(%1586 init: %1587) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %1589 = stablehlo.reshape %1588 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %1590 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1591 = stablehlo.broadcast_in_dim %1590, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %1592 = stablehlo.multiply %1589, %1591 : tensor<1x128x1x16xf32>
    %1593 = stablehlo.constant dense<0.0> : tensor<f32>
    %1594 = stablehlo.reduce(%1592 init: %1593) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %1595 = stablehlo.reshape %1594 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %1596 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1597 = stablehlo.broadcast_in_dim %1596, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1598 = stablehlo.multiply %1595, %1597 : tensor<1x1x1x16xf32>
    %1599 = stablehlo.reshape %1598 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %1600 = stablehlo.constant dense<0.0> : tensor<f32>
    %1601 = stablehlo.reduce(%1599 init: %1600) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1602 = stablehlo.reshape %1601 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1603 = stablehlo.constant dense<0.5> : tensor<f32>
    %1604 = stablehlo.broadcast_in_dim %1603, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1605 = stablehlo.multiply %1602, %1604 : tensor<1x8x1xf32>
    %1606 = stablehlo.reshape %1605 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1607 = stablehlo.broadcast_in_dim %1606, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %1608 = stablehlo.reshape %1607 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %1609 = stablehlo.reshape %1608 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1610 = stablehlo.broadcast_in_dim %1609, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1611 = stablehlo.subtract %1586, %1610 : tensor<1x128x128x16xf32>
    %1612 = stablehlo.multiply %1611, %1611 : tensor<1x128x128x16xf32>
    %1613 = stablehlo.constant dense<0.0> : tensor<f32>
    %1614 = stablehlo.reduce(%1612 init: %1613) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %1615 = stablehlo.reshape %1614 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %1616 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1617 = stablehlo.broadcast_in_dim %1616, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %1618 = stablehlo.multiply %1615, %1617 : tensor<1x128x1x16xf32>
    %1619 = stablehlo.constant dense<0.0> : tensor<f32>
    %1620 = stablehlo.reduce(%1618 init: %1619) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %1621 = stablehlo.reshape %1620 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %1622 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1623 = stablehlo.broadcast_in_dim %1622, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1624 = stablehlo.multiply %1621, %1623 : tensor<1x1x1x16xf32>
    %1625 = stablehlo.reshape %1624 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %1626 = stablehlo.constant dense<0.0> : tensor<f32>
    %1627 = stablehlo.reduce(%1625 init: %1626) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1628 = stablehlo.reshape %1627 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1629 = stablehlo.constant dense<0.5> : tensor<f32>
    %1630 = stablehlo.broadcast_in_dim %1629, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1631 = stablehlo.multiply %1628, %1630 : tensor<1x8x1xf32>
    %1632 = stablehlo.reshape %1631 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1633 = stablehlo.broadcast_in_dim %1632, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %1634 = stablehlo.reshape %1633 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %1635 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1636 = stablehlo.broadcast_in_dim %1635, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1637 = stablehlo.add %1634, %1636 : tensor<1x1x1x16xf32>
    %1638 = stablehlo.rsqrt %1637 : tensor<1x1x1x16xf32>
    %1639 = stablehlo.convert %arg73 : (tensor<16xbf16>) -> tensor<16xf32>
    %1640 = stablehlo.reshape %1639 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %1641 = stablehlo.multiply %1638, %1640 : tensor<1x1x1x16xf32>
    %1642 = stablehlo.reshape %1641 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1643 = stablehlo.broadcast_in_dim %1642, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1644 = stablehlo.multiply %1611, %1643 : tensor<1x128x128x16xf32>
    %1645 = stablehlo.convert %arg74 : (tensor<16xbf16>) -> tensor<16xf32>
    %1646 = stablehlo.reshape %1645 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %1647 = stablehlo.reshape %1646 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1648 = stablehlo.broadcast_in_dim %1647, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1649 = stablehlo.add %1644, %1648 : tensor<1x128x128x16xf32>
    %1650 = stablehlo.convert %1649 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %1651 = stablehlo.convert %1650 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %1652 = stablehlo.logistic %1651 : tensor<1x128x128x16xf32>
    %1653 = stablehlo.multiply %1651, %1652 : tensor<1x128x128x16xf32>
    %1654 = stablehlo.convert %1653 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %1655 = stablehlo.convolution(%1654, %arg75) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x16xbf16>, tensor<16x16x3x3xbf16>) -> tensor<1x128x128x16xbf16>
    %1656 = stablehlo.reshape %arg76 : (tensor<16xbf16>) -> tensor<1x1x1x16xbf16>
    %1657 = stablehlo.reshape %1656 : (tensor<1x1x1x16xbf16>) -> tensor<1x16xbf16>
    %1658 = stablehlo.broadcast_in_dim %1657, dims = [0, 3] : (tensor<1x16xbf16>) -> tensor<1x128x128x16xbf16>
    %1659 = stablehlo.add %1655, %1658 : tensor<1x128x128x16xbf16>
    %1660 = stablehlo.add %1511, %1659 : tensor<1x128x128x16xbf16>
    %1661 = stablehlo.convert %1660 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %1662 = stablehlo.constant dense<0.0> : tensor<f32>
    %1663 = stablehlo.reduce(%1661 init: %1662) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %1664 = stablehlo.reshape %1663 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %1665 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1666 = stablehlo.broadcast_in_dim %1665, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %1667 = stablehlo.multiply %1664, %1666 : tensor<1x128x1x16xf32>
    %1668 = stablehlo.constant dense<0.0> : tensor<f32>
    %1669 = stablehlo.reduce(%1667 init: %1668) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %1670 = stablehlo.reshape %1669 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %1671 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1672 = stablehlo.broadcast_in_dim %1671, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1673 = stablehlo.multiply %1670, %1672 : tensor<1x1x1x16xf32>
    %1674 = stablehlo.reshape %1673 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %1675 = stablehlo.constant dense<0.0> : tensor<f32>
    %1676 = stablehlo.reduce(%1674 init: %1675) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1677 = stablehlo.reshape %1676 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1678 = stablehlo.constant dense<0.5> : tensor<f32>
    %1679 = stablehlo.broadcast_in_dim %1678, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1680 = stablehlo.multiply %1677, %1679 : tensor<1x8x1xf32>
    %1681 = stablehlo.reshape %1680 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1682 = stablehlo.broadcast_in_dim %1681, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %1683 = stablehlo.reshape %1682 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %1684 = stablehlo.reshape %1683 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1685 = stablehlo.broadcast_in_dim %1684, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1686 = stablehlo.subtract %1661, %1685 : tensor<1x128x128x16xf32>
    %1687 = stablehlo.multiply %1686, %1686 : tensor<1x128x128x16xf32>
    %1688 = stablehlo.constant dense<0.0> : tensor<f32>
    %1689 = stablehlo.reduce(%1687 init: %1688) applies stablehlo.add across dimensions = [2] : (tensor<1x128x128x16xf32>, tensor<f32>) -> tensor<1x128x16xf32>
    %1690 = stablehlo.reshape %1689 : (tensor<1x128x16xf32>) -> tensor<1x128x1x16xf32>
    %1691 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1692 = stablehlo.broadcast_in_dim %1691, dims = [] : (tensor<f32>) -> tensor<1x128x1x16xf32>
    %1693 = stablehlo.multiply %1690, %1692 : tensor<1x128x1x16xf32>
    %1694 = stablehlo.constant dense<0.0> : tensor<f32>
    %1695 = stablehlo.reduce(%1693 init: %1694) applies stablehlo.add across dimensions = [1] : (tensor<1x128x1x16xf32>, tensor<f32>) -> tensor<1x1x16xf32>
    %1696 = stablehlo.reshape %1695 : (tensor<1x1x16xf32>) -> tensor<1x1x1x16xf32>
    %1697 = stablehlo.constant dense<0.0078125> : tensor<f32>
    %1698 = stablehlo.broadcast_in_dim %1697, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1699 = stablehlo.multiply %1696, %1698 : tensor<1x1x1x16xf32>
    %1700 = stablehlo.reshape %1699 : (tensor<1x1x1x16xf32>) -> tensor<1x8x2xf32>
    %1701 = stablehlo.constant dense<0.0> : tensor<f32>
    %1702 = stablehlo.reduce(%1700 init: %1701) applies stablehlo.add across dimensions = [2] : (tensor<1x8x2xf32>, tensor<f32>) -> tensor<1x8xf32>
    %1703 = stablehlo.reshape %1702 : (tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %1704 = stablehlo.constant dense<0.5> : tensor<f32>
    %1705 = stablehlo.broadcast_in_dim %1704, dims = [] : (tensor<f32>) -> tensor<1x8x1xf32>
    %1706 = stablehlo.multiply %1703, %1705 : tensor<1x8x1xf32>
    %1707 = stablehlo.reshape %1706 : (tensor<1x8x1xf32>) -> tensor<1x8xf32>
    %1708 = stablehlo.broadcast_in_dim %1707, dims = [0, 1] : (tensor<1x8xf32>) -> tensor<1x8x2xf32>
    %1709 = stablehlo.reshape %1708 : (tensor<1x8x2xf32>) -> tensor<1x1x1x16xf32>
    %1710 = stablehlo.constant dense<0.000001> : tensor<f32>
    %1711 = stablehlo.broadcast_in_dim %1710, dims = [] : (tensor<f32>) -> tensor<1x1x1x16xf32>
    %1712 = stablehlo.add %1709, %1711 : tensor<1x1x1x16xf32>
    %1713 = stablehlo.rsqrt %1712 : tensor<1x1x1x16xf32>
    %1714 = stablehlo.convert %arg105 : (tensor<16xbf16>) -> tensor<16xf32>
    %1715 = stablehlo.reshape %1714 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %1716 = stablehlo.multiply %1713, %1715 : tensor<1x1x1x16xf32>
    %1717 = stablehlo.reshape %1716 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1718 = stablehlo.broadcast_in_dim %1717, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1719 = stablehlo.multiply %1686, %1718 : tensor<1x128x128x16xf32>
    %1720 = stablehlo.convert %arg106 : (tensor<16xbf16>) -> tensor<16xf32>
    %1721 = stablehlo.reshape %1720 : (tensor<16xf32>) -> tensor<1x1x1x16xf32>
    %1722 = stablehlo.reshape %1721 : (tensor<1x1x1x16xf32>) -> tensor<1x16xf32>
    %1723 = stablehlo.broadcast_in_dim %1722, dims = [0, 3] : (tensor<1x16xf32>) -> tensor<1x128x128x16xf32>
    %1724 = stablehlo.add %1719, %1723 : tensor<1x128x128x16xf32>
    %1725 = stablehlo.convert %1724 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %1726 = stablehlo.convert %1725 : (tensor<1x128x128x16xbf16>) -> tensor<1x128x128x16xf32>
    %1727 = stablehlo.logistic %1726 : tensor<1x128x128x16xf32>
    %1728 = stablehlo.multiply %1726, %1727 : tensor<1x128x128x16xf32>
    %1729 = stablehlo.convert %1728 : (tensor<1x128x128x16xf32>) -> tensor<1x128x128x16xbf16>
    %1730 = stablehlo.convolution(%1729, %arg107) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x128x128x16xbf16>, tensor<3x16x3x3xbf16>) -> tensor<1x128x128x3xbf16>
    %1731 = stablehlo.reshape %arg108 : (tensor<3xbf16>) -> tensor<1x1x1x3xbf16>
    %1732 = stablehlo.reshape %1731 : (tensor<1x1x1x3xbf16>) -> tensor<1x3xbf16>
    %1733 = stablehlo.broadcast_in_dim %1732, dims = [0, 3] : (tensor<1x3xbf16>) -> tensor<1x128x128x3xbf16>
    %1734 = stablehlo.add %1730, %1733 : tensor<1x128x128x3xbf16>
    %1735 = stablehlo.convert %1734 : (tensor<1x128x128x3xbf16>) -> tensor<1x128x128x3xf32>
    %1736 = stablehlo.constant dense<0.5> : tensor<f32>
    %1737 = stablehlo.broadcast_in_dim %1736, dims = [] : (tensor<f32>) -> tensor<1x128x128x3xf32>
    %1738 = stablehlo.multiply %1735, %1737 : tensor<1x128x128x3xf32>
    %1739 = stablehlo.constant dense<0.5> : tensor<f32>
    %1740 = stablehlo.broadcast_in_dim %1739, dims = [] : (tensor<f32>) -> tensor<1x128x128x3xf32>
    %1741 = stablehlo.add %1738, %1740 : tensor<1x128x128x3xf32>
    %1742 = stablehlo.constant dense<0.0> : tensor<f32>
    %1743 = stablehlo.broadcast_in_dim %1742, dims = [] : (tensor<f32>) -> tensor<1x128x128x3xf32>
    %1744 = stablehlo.maximum %1741, %1743 : tensor<1x128x128x3xf32>
    %1745 = stablehlo.constant dense<1.0> : tensor<f32>
    %1746 = stablehlo.broadcast_in_dim %1745, dims = [] : (tensor<f32>) -> tensor<1x128x128x3xf32>
    %1747 = stablehlo.minimum %1744, %1746 : tensor<1x128x128x3xf32>
    return %1747 : tensor<1x128x128x3xf32>
  }
}
