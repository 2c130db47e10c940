module @vae_resnet_32_48_32x32 {
  func.func public @main(%arg0: tensor<1x32x32x32xbf16>, %arg1: tensor<32xbf16>, %arg2: tensor<32xbf16>, %arg3: tensor<48x32x3x3xbf16>, %arg4: tensor<48xbf16>, %arg5: tensor<48xbf16>, %arg6: tensor<48xbf16>, %arg7: tensor<48x48x3x3xbf16>, %arg8: tensor<48xbf16>, %arg9: tensor<48x32x1x1xbf16>, %arg10: tensor<48xbf16>) -> (tensor<1x32x32x48xbf16>) {
    %0 = stablehlo.convolution(%arg0, %arg9) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[0, 0], [0, 0]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x32xbf16>, tensor<48x32x1x1xbf16>) -> tensor<1x32x32x48xbf16>
    %1 = stablehlo.reshape %arg10 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %2 = stablehlo.reshape %1 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %3 = stablehlo.broadcast_in_dim %2, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %4 = stablehlo.add %0, %3 : tensor<1x32x32x48xbf16>
    %5 = stablehlo.convert %arg0 : (tensor<1x32x32x32xbf16>) -> tensor<1x32x32x32xf32>
    %6 = stablehlo.convert %arg0 : (tensor<1x32x32x32xbf16>) -> tensor<1x32x32x32xf32>
    %7 = stablehlo.constant dense<0.0> : tensor<f32>
    %8 = stablehlo.reduce(%6 init: %7) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x32xf32>, tensor<f32>) -> tensor<1x32x32xf32>
    %9 = stablehlo.reshape %8 : (tensor<1x32x32xf32>) -> tensor<1x32x1x32xf32>
    %10 = stablehlo.constant dense<0.03125> : tensor<f32>
    %11 = stablehlo.broadcast_in_dim %10, dims = [] : (tensor<f32>) -> tensor<1x32x1x32xf32>
    %12 = stablehlo.multiply %9, %11 : tensor<1x32x1x32xf32>
    %13 = stablehlo.constant dense<0.0> : tensor<f32>
    %14 = stablehlo.reduce(%12 init: %13) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %15 = stablehlo.reshape %14 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %16 = stablehlo.constant dense<0.03125> : tensor<f32>
    %17 = stablehlo.broadcast_in_dim %16, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %18 = stablehlo.multiply %15, %17 : tensor<1x1x1x32xf32>
    %19 = stablehlo.reshape %18 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %20 = stablehlo.broadcast_in_dim %19, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x32x32x32xf32>
    %21 = stablehlo.subtract %6, %20 : tensor<1x32x32x32xf32>
    %22 = stablehlo.multiply %21, %21 : tensor<1x32x32x32xf32>
    %23 = stablehlo.constant dense<0.0> : tensor<f32>
    %24 = stablehlo.reduce(%22 init: %23) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x32xf32>, tensor<f32>) -> tensor<1x32x32xf32>
    %25 = stablehlo.reshape %24 : (tensor<1x32x32xf32>) -> tensor<1x32x1x32xf32>
    %26 = stablehlo.constant dense<0.03125> : tensor<f32>
    %27 = stablehlo.broadcast_in_dim %26, dims = [] : (tensor<f32>) -> tensor<1x32x1x32xf32>
    %28 = stablehlo.multiply %25, %27 : tensor<1x32x1x32xf32>
    %29 = stablehlo.constant dense<0.0> : tensor<f32>
    %30 = stablehlo.reduce(%28 init: %29) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x32xf32>, tensor<f32>) -> tensor<1x1x32xf32>
    %31 = stablehlo.reshape %30 : (tensor<1x1x32xf32>) -> tensor<1x1x1x32xf32>
    %32 = stablehlo.constant dense<0.03125> : tensor<f32>
    %33 = stablehlo.broadcast_in_dim %32, dims = [] : (tensor<f32>) -> tensor<1x1x1x32xf32>
    %34 = stablehlo.multiply %31, %33 : tensor<1x1x1x32xf32>
    %35 = stablehlo.concatenate %18, %34, dim = 1 : (tensor<1x1x1x32xf32>, tensor<1x1x1x32xf32>) -> tensor<1x2x1x32xf32>
    %36 = stablehlo.reshape %35 : (tensor<1x2x1x32xf32>) -> tensor<1x1x2x32xf32>
    %37 = stablehlo.reshape %36 : (tensor<1x1x2x32xf32>) -> tensor<1x1x1x2x32xf32>
    %38 = stablehlo.reshape %37 : (tensor<1x1x1x2x32xf32>) -> tensor<1x1x2x32xf32>
    %39 = stablehlo.slice %38 [0:1, 0:1, 0:1, 0:32] : (tensor<1x1x2x32xf32>) -> tensor<1x1x1x32xf32>
    %40 = stablehlo.reshape %39 : (tensor<1x1x1x32xf32>) -> tensor<1x1x8x4xf32>
    %41 = stablehlo.constant dense<0.0> : tensor<f32>
    %42 = stablehlo.reduce(%40 init: %41) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x4xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %43 = stablehlo.reshape %42 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %44 = stablehlo.constant dense<0.25> : tensor<f32>
    %45 = stablehlo.broadcast_in_dim %44, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %46 = stablehlo.multiply %43, %45 : tensor<1x1x8x1xf32>
    %47 = stablehlo.constant dense<0.0> : tensor<f32>
    %48 = stablehlo.reduce(%46 init: %47) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %49 = stablehlo.reshape %48 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %50 = stablehlo.constant dense<1.0> : tensor<f32>
    %51 = stablehlo.broadcast_in_dim %50, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %52 = stablehlo.multiply %49, %51 : tensor<1x1x8x1xf32>
    %53 = stablehlo.reshape %52 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %54 = stablehlo.broadcast_in_dim %53, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x4xf32>
    %55 = stablehlo.reshape %54 : (tensor<1x1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %56 = stablehlo.reshape %55 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %57 = stablehlo.broadcast_in_dim %56, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x32x32x32xf32>
    %58 = stablehlo.subtract %5, %57 : tensor<1x32x32x32xf32>
    %59 = stablehlo.slice %38 [0:1, 0:1, 1:2, 0:32] : (tensor<1x1x2x32xf32>) -> tensor<1x1x1x32xf32>
    %60 = stablehlo.reshape %59 : (tensor<1x1x1x32xf32>) -> tensor<1x1x8x4xf32>
    %61 = stablehlo.slice %38 [0:1, 0:1, 0:1, 0:32] : (tensor<1x1x2x32xf32>) -> tensor<1x1x1x32xf32>
    %62 = stablehlo.reshape %61 : (tensor<1x1x1x32xf32>) -> tensor<1x1x8x4xf32>
    %63 = stablehlo.reshape %52 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %64 = stablehlo.broadcast_in_dim %63, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x4xf32>
    %65 = stablehlo.subtract %62, %64 : tensor<1x1x8x4xf32>
    %66 = stablehlo.multiply %65, %65 : tensor<1x1x8x4xf32>
    %67 = stablehlo.add %60, %66 : tensor<1x1x8x4xf32>
    %68 = stablehlo.constant dense<0.0> : tensor<f32>
    %69 = stablehlo.reduce(%67 init: %68) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x4xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %70 = stablehlo.reshape %69 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %71 = stablehlo.constant dense<0.25> : tensor<f32>
    %72 = stablehlo.broadcast_in_dim %71, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %73 = stablehlo.multiply %70, %72 : tensor<1x1x8x1xf32>
    %74 = stablehlo.constant dense<0.0> : tensor<f32>
    %75 = stablehlo.reduce(%73 init: %74) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %76 = stablehlo.reshape %75 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %77 = stablehlo.constant dense<1.0> : tensor<f32>
    %78 = stablehlo.broadcast_in_dim %77, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %79 = stablehlo.multiply %76, %78 : tensor<1x1x8x1xf32>
    %80 = stablehlo.constant dense<0.000001> : tensor<f32>
    %81 = stablehlo.broadcast_in_dim %80, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %82 = stablehlo.add %79, %81 : tensor<1x1x8x1xf32>
    %83 = stablehlo.rsqrt %82 : tensor<1x1x8x1xf32>
    %84 = stablehlo.reshape %83 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %85 = stablehlo.broadcast_in_dim %84, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x4xf32>
    %86 = stablehlo.reshape %85 : (tensor<1x1x8x4xf32>) -> tensor<1x1x1x32xf32>
    %87 = stablehlo.convert %arg1 : (tensor<32xbf16>) -> tensor<32xf32>
    %88 = stablehlo.reshape %87 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %89 = stablehlo.multiply %86, %88 : tensor<1x1x1x32xf32>
    %90 = stablehlo.reshape %89 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %91 = stablehlo.broadcast_in_dim %90, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x32x32x32xf32>
    %92 = stablehlo.multiply %58, %91 : tensor<1x32x32x32xf32>
    %93 = stablehlo.convert %arg2 : (tensor<32xbf16>) -> tensor<32xf32>
    %94 = stablehlo.reshape %93 : (tensor<32xf32>) -> tensor<1x1x1x32xf32>
    %95 = stablehlo.reshape %94 : (tensor<1x1x1x32xf32>) -> tensor<1x32xf32>
    %96 = stablehlo.broadcast_in_dim %95, dims = [0, 3] : (tensor<1x32xf32>) -> tensor<1x32x32x32xf32>
    %97 = stablehlo.add %92, %96 : tensor<1x32x32x32xf32>
    %98 = stablehlo.convert %97 : (tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xbf16>
    %99 = stablehlo.convert %98 : (tensor<1x32x32x32xbf16>) -> tensor<1x32x32x32xf32>
    %100 = stablehlo.logistic %99 : tensor<1x32x32x32xf32>
    %101 = stablehlo.multiply %99, %100 : tensor<1x32x32x32xf32>
    %102 = stablehlo.convert %101 : (tensor<1x32x32x32xf32>) -> tensor<1x32x32x32xbf16>
    %103 = stablehlo.convolution(%102, %arg3) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x32xbf16>, tensor<48x32x3x3xbf16>) -> tensor<1x32x32x48xbf16>
    %104 = stablehlo.reshape %arg4 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %105 = stablehlo.reshape %104 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %106 = stablehlo.broadcast_in_dim %105, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %107 = stablehlo.add %103, %106 : tensor<1x32x32x48xbf16>
    %108 = stablehlo.convert %107 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %109 = stablehlo.convert %107 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %110 = stablehlo.constant dense<0.0> : tensor<f32>
    %111 = stablehlo.reduce(%109 init: %110) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %112 = stablehlo.reshape %111 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %113 = stablehlo.constant dense<0.03125> : tensor<f32>
    %114 = stablehlo.broadcast_in_dim %113, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %115 = stablehlo.multiply %112, %114 : tensor<1x32x1x48xf32>
    %116 = stablehlo.constant dense<0.0> : tensor<f32>
    %117 = stablehlo.reduce(%115 init: %116) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %118 = stablehlo.reshape %117 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %119 = stablehlo.constant dense<0.03125> : tensor<f32>
    %120 = stablehlo.broadcast_in_dim %119, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %121 = stablehlo.multiply %118, %120 : tensor<1x1x1x48xf32>
    %122 = stablehlo.reshape %121 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %123 = stablehlo.broadcast_in_dim %122, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %124 = stablehlo.subtract %109, %123 : tensor<1x32x32x48xf32>
    %125 = stablehlo.multiply %124, %124 : tensor<1x32x32x48xf32>
    %126 = stablehlo.constant dense<0.0> : tensor<f32>
    %127 = stablehlo.reduce(%125 init: %126) applies stablehlo.add across dimensions = [2] : (tensor<1x32x32x48xf32>, tensor<f32>) -> tensor<1x32x48xf32>
    %128 = stablehlo.reshape %127 : (tensor<1x32x48xf32>) -> tensor<1x32x1x48xf32>
    %129 = stablehlo.constant dense<0.03125> : tensor<f32>
    %130 = stablehlo.broadcast_in_dim %129, dims = [] : (tensor<f32>) -> tensor<1x32x1x48xf32>
    %131 = stablehlo.multiply %128, %130 : tensor<1x32x1x48xf32>
    %132 = stablehlo.constant dense<0.0> : tensor<f32>
    %133 = stablehlo.reduce(%131 init: %132) applies stablehlo.add across dimensions = [1] : (tensor<1x32x1x48xf32>, tensor<f32>) -> tensor<1x1x48xf32>
    %134 = stablehlo.reshape %133 : (tensor<1x1x48xf32>) -> tensor<1x1x1x48xf32>
    %135 = stablehlo.constant dense<0.03125> : tensor<f32>
    %136 = stablehlo.broadcast_in_dim %135, dims = [] : (tensor<f32>) -> tensor<1x1x1x48xf32>
    %137 = stablehlo.multiply %134, %136 : tensor<1x1x1x48xf32>
    %138 = stablehlo.concatenate %121, %137, dim = 1 : (tensor<1x1x1x48xf32>, tensor<1x1x1x48xf32>) -> tensor<1x2x1x48xf32>
    %139 = stablehlo.reshape %138 : (tensor<1x2x1x48xf32>) -> tensor<1x1x2x48xf32>
    %140 = stablehlo.slice %139 [0:1, 0:1, 0:1, 0:48] : (tensor<1x1x2x48xf32>) -> tensor<1x1x1x48xf32>
    %141 = stablehlo.reshape %140 : (tensor<1x1x1x48xf32>) -> tensor<1x1x8x6xf32>
    %142 = stablehlo.constant dense<0.0> : tensor<f32>
    %143 = stablehlo.reduce(%141 init: %142) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x6xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %144 = stablehlo.reshape %143 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %145 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %146 = stablehlo.broadcast_in_dim %145, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %147 = stablehlo.multiply %144, %146 : tensor<1x1x8x1xf32>
    %148 = stablehlo.constant dense<0.0> : tensor<f32>
    %149 = stablehlo.reduce(%147 init: %148) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %150 = stablehlo.reshape %149 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %151 = stablehlo.constant dense<1.0> : tensor<f32>
    %152 = stablehlo.broadcast_in_dim %151, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %153 = stablehlo.multiply %150, %152 : tensor<1x1x8x1xf32>
    %154 = stablehlo.reshape %153 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %155 = stablehlo.broadcast_in_dim %154, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x6xf32>
    %156 = stablehlo.reshape %155 : (tensor<1x1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %157 = stablehlo.reshape %156 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %158 = stablehlo.broadcast_in_dim %157, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %159 = stablehlo.subtract %108, %158 : tensor<1x32x32x48xf32>
    %160 = stablehlo.slice %139 [0:1, 0:1, 1:2, 0:48] : (tensor<1x1x2x48xf32>) -> tensor<1x1x1x48xf32>
    %161 = stablehlo.reshape %160 : (tensor<1x1x1x48xf32>) -> tensor<1x1x8x6xf32>
    %162 = stablehlo.slice %139 [0:1, 0:1, 0:1, 0:48] : (tensor<1x1x2x48xf32>) -> tensor<1x1x1x48xf32>
    %163 = stablehlo.reshape %162 : (tensor<1x1x1x48xf32>) -> tensor<1x1x8x6xf32>
    %164 = stablehlo.reshape %153 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %165 = stablehlo.broadcast_in_dim %164, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x6xf32>
    %166 = stablehlo.subtract %163, %165 : tensor<1x1x8x6xf32>
    %167 = stablehlo.multiply %166, %166 : tensor<1x1x8x6xf32>
    %168 = stablehlo.add %161, %167 : tensor<1x1x8x6xf32>
    %169 = stablehlo.constant dense<0.0> : tensor<f32>
    %170 = stablehlo.reduce(%168 init: %169) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x6xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %171 = stablehlo.reshape %170 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %172 = stablehlo.constant dense<0.16666666666666666> : tensor<f32>
    %173 = stablehlo.broadcast_in_dim %172, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %174 = stablehlo.multiply %171, %173 : tensor<1x1x8x1xf32>
    %175 = stablehlo.constant dense<0.0> : tensor<f32>
    %176 = stablehlo.reduce(%174 init: %175) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %177 = stablehlo.reshape %176 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %178 = stablehlo.constant dense<1.0> : tensor<f32>
    %179 = stablehlo.broadcast_in_dim %178, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %180 = stablehlo.multiply %177, %179 : tensor<1x1x8x1xf32>
    %181 = stablehlo.constant dense<0.000001> : tensor<f32>
    %182 = stablehlo.broadcast_in_dim %181, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %183 = stablehlo.add %180, %182 : tensor<1x1x8x1xf32>
    %184 = stablehlo.rsqrt %183 : tensor<1x1x8x1xf32>
    %185 = stablehlo.reshape %184 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %186 = stablehlo.broadcast_in_dim %185, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x6xf32>
    %187 = stablehlo.reshape %186 : (tensor<1x1x8x6xf32>) -> tensor<1x1x1x48xf32>
    %188 = stablehlo.convert %arg5 : (tensor<48xbf16>) -> tensor<48xf32>
    %189 = stablehlo.reshape %188 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %190 = stablehlo.multiply %187, %189 : tensor<1x1x1x48xf32>
    %191 = stablehlo.reshape %190 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %192 = stablehlo.broadcast_in_dim %191, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %193 = stablehlo.multiply %159, %192 : tensor<1x32x32x48xf32>
    %194 = stablehlo.convert %arg6 : (tensor<48xbf16>) -> tensor<48xf32>
    %195 = stablehlo.reshape %194 : (tensor<48xf32>) -> tensor<1x1x1x48xf32>
    %196 = stablehlo.reshape %195 : (tensor<1x1x1x48xf32>) -> tensor<1x48xf32>
    %197 = stablehlo.broadcast_in_dim %196, dims = [0, 3] : (tensor<1x48xf32>) -> tensor<1x32x32x48xf32>
    %198 = stablehlo.add %193, %197 : tensor<1x32x32x48xf32>
    %199 = stablehlo.convert %198 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %200 = stablehlo.convert %199 : (tensor<1x32x32x48xbf16>) -> tensor<1x32x32x48xf32>
    %201 = stablehlo.logistic %200 : tensor<1x32x32x48xf32>
    %202 = stablehlo.multiply %200, %201 : tensor<1x32x32x48xf32>
    %203 = stablehlo.convert %202 : (tensor<1x32x32x48xf32>) -> tensor<1x32x32x48xbf16>
    %204 = stablehlo.convolution(%203, %arg7) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x32x32x48xbf16>, tensor<48x48x3x3xbf16>) -> tensor<1x32x32x48xbf16>
    %205 = stablehlo.reshape %arg8 : (tensor<48xbf16>) -> tensor<1x1x1x48xbf16>
    %206 = stablehlo.reshape %205 : (tensor<1x1x1x48xbf16>) -> tensor<1x48xbf16>
    %207 = stablehlo.broadcast_in_dim %206, dims = [0, 3] : (tensor<1x48xbf16>) -> tensor<1x32x32x48xbf16>
    %208 = stablehlo.add %204, %207 : tensor<1x32x32x48xbf16>
    %209 = stablehlo.add %4, %208 : tensor<1x32x32x48xbf16>
    return %209 : tensor<1x32x32x48xbf16>
  }
}
