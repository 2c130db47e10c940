module @vae_resnet_64_64_16x16 {
  func.func public @main(%arg0: tensor<1x16x16x64xbf16>, %arg1: tensor<64xbf16>, %arg2: tensor<64xbf16>, %arg3: tensor<64x64x3x3xbf16>, %arg4: tensor<64xbf16>, %arg5: tensor<64xbf16>, %arg6: tensor<64xbf16>, %arg7: tensor<64x64x3x3xbf16>, %arg8: tensor<64xbf16>) -> (tensor<1x16x16x64xbf16>) {
    %0 = stablehlo.convert %arg0 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %1 = stablehlo.convert %arg0 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %2 = stablehlo.constant dense<0.0> : tensor<f32>
    %3 = stablehlo.reduce(%1 init: %2) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %4 = stablehlo.reshape %3 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %5 = stablehlo.constant dense<0.0625> : tensor<f32>
    %6 = stablehlo.broadcast_in_dim %5, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %7 = stablehlo.multiply %4, %6 : tensor<1x16x1x64xf32>
    %8 = stablehlo.constant dense<0.0> : tensor<f32>
    %9 = stablehlo.reduce(%7 init: %8) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %10 = stablehlo.reshape %9 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %11 = stablehlo.constant dense<0.0625> : tensor<f32>
    %12 = stablehlo.broadcast_in_dim %11, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %13 = stablehlo.multiply %10, %12 : tensor<1x1x1x64xf32>
    %14 = stablehlo.reshape %13 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %15 = stablehlo.broadcast_in_dim %14, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %16 = stablehlo.subtract %1, %15 : tensor<1x16x16x64xf32>
    %17 = stablehlo.multiply %16, %16 : tensor<1x16x16x64xf32>
    %18 = stablehlo.constant dense<0.0> : tensor<f32>
    %19 = stablehlo.reduce(%17 init: %18) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %20 = stablehlo.reshape %19 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %21 = stablehlo.constant dense<0.0625> : tensor<f32>
    %22 = stablehlo.broadcast_in_dim %21, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %23 = stablehlo.multiply %20, %22 : tensor<1x16x1x64xf32>
    %24 = stablehlo.constant dense<0.0> : tensor<f32>
    %25 = stablehlo.reduce(%23 init: %24) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %26 = stablehlo.reshape %25 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %27 = stablehlo.constant dense<0.0625> : tensor<f32>
    %28 = stablehlo.broadcast_in_dim %27, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %29 = stablehlo.multiply %26, %28 : tensor<1x1x1x64xf32>
    %30 = stablehlo.concatenate %13, %29, dim = 1 : (tensor<1x1x1x64xf32>, tensor<1x1x1x64xf32>) -> tensor<1x2x1x64xf32>
    %31 = stablehlo.reshape %30 : (tensor<1x2x1x64xf32>) -> tensor<1x1x2x64xf32>
    %32 = stablehlo.reshape %31 : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x2x64xf32>
    %33 = stablehlo.reshape %32 : (tensor<1x1x1x2x64xf32>) -> tensor<1x1x2x64xf32>
    %34 = stablehlo.slice %33 [0:1, 0:1, 0:1, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %35 = stablehlo.reshape %34 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %36 = stablehlo.constant dense<0.0> : tensor<f32>
    %37 = stablehlo.reduce(%35 init: %36) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x8xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %38 = stablehlo.reshape %37 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %39 = stablehlo.constant dense<0.125> : tensor<f32>
    %40 = stablehlo.broadcast_in_dim %39, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %41 = stablehlo.multiply %38, %40 : tensor<1x1x8x1xf32>
    %42 = stablehlo.constant dense<0.0> : tensor<f32>
    %43 = stablehlo.reduce(%41 init: %42) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %44 = stablehlo.reshape %43 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %45 = stablehlo.constant dense<1.0> : tensor<f32>
    %46 = stablehlo.broadcast_in_dim %45, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %47 = stablehlo.multiply %44, %46 : tensor<1x1x8x1xf32>
    %48 = stablehlo.reshape %47 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %49 = stablehlo.broadcast_in_dim %48, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %50 = stablehlo.reshape %49 : (tensor<1x1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %51 = stablehlo.reshape %50 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %52 = stablehlo.broadcast_in_dim %51, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %53 = stablehlo.subtract %0, %52 : tensor<1x16x16x64xf32>
    %54 = stablehlo.slice %33 [0:1, 0:1, 1:2, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %55 = stablehlo.reshape %54 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %56 = stablehlo.slice %33 [0:1, 0:1, 0:1, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %57 = stablehlo.reshape %56 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %58 = stablehlo.reshape %47 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %59 = stablehlo.broadcast_in_dim %58, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %60 = stablehlo.subtract %57, %59 : tensor<1x1x8x8xf32>
    %61 = stablehlo.multiply %60, %60 : tensor<1x1x8x8xf32>
    %62 = stablehlo.add %55, %61 : tensor<1x1x8x8xf32>
    %63 = stablehlo.constant dense<0.0> : tensor<f32>
    %64 = stablehlo.reduce(%62 init: %63) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x8xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %65 = stablehlo.reshape %64 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %66 = stablehlo.constant dense<0.125> : tensor<f32>
    %67 = stablehlo.broadcast_in_dim %66, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %68 = stablehlo.multiply %65, %67 : tensor<1x1x8x1xf32>
    %69 = stablehlo.constant dense<0.0> : tensor<f32>
    %70 = stablehlo.reduce(%68 init: %69) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %71 = stablehlo.reshape %70 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %72 = stablehlo.constant dense<1.0> : tensor<f32>
    %73 = stablehlo.broadcast_in_dim %72, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %74 = stablehlo.multiply %71, %73 : tensor<1x1x8x1xf32>
    %75 = stablehlo.constant dense<0.000001> : tensor<f32>
    %76 = stablehlo.broadcast_in_dim %75, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %77 = stablehlo.add %74, %76 : tensor<1x1x8x1xf32>
    %78 = stablehlo.rsqrt %77 : tensor<1x1x8x1xf32>
    %79 = stablehlo.reshape %78 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %80 = stablehlo.broadcast_in_dim %79, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %81 = stablehlo.reshape %80 : (tensor<1x1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %82 = stablehlo.convert %arg1 : (tensor<64xbf16>) -> tensor<64xf32>
    %83 = stablehlo.reshape %82 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %84 = stablehlo.multiply %81, %83 : tensor<1x1x1x64xf32>
    %85 = stablehlo.reshape %84 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %86 = stablehlo.broadcast_in_dim %85, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %87 = stablehlo.multiply %53, %86 : tensor<1x16x16x64xf32>
    %88 = stablehlo.convert %arg2 : (tensor<64xbf16>) -> tensor<64xf32>
    %89 = stablehlo.reshape %88 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %90 = stablehlo.reshape %89 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %91 = stablehlo.broadcast_in_dim %90, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %92 = stablehlo.add %87, %91 : tensor<1x16x16x64xf32>
    %93 = stablehlo.convert %92 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %94 = stablehlo.convert %93 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %95 = stablehlo.logistic %94 : tensor<1x16x16x64xf32>
    %96 = stablehlo.multiply %94, %95 : tensor<1x16x16x64xf32>
    %97 = stablehlo.convert %96 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %98 = stablehlo.convolution(%97, %arg3) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %99 = stablehlo.reshape %arg4 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %100 = stablehlo.reshape %99 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %101 = stablehlo.broadcast_in_dim %100, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %102 = stablehlo.add %98, %101 : tensor<1x16x16x64xbf16>
    %103 = stablehlo.convert %102 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %104 = stablehlo.convert %102 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %105 = stablehlo.constant dense<0.0> : tensor<f32>
    %106 = stablehlo.reduce(%104 init: %105) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %107 = stablehlo.reshape %106 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %108 = stablehlo.constant dense<0.0625> : tensor<f32>
    %109 = stablehlo.broadcast_in_dim %108, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %110 = stablehlo.multiply %107, %109 : tensor<1x16x1x64xf32>
    %111 = stablehlo.constant dense<0.0> : tensor<f32>
    %112 = stablehlo.reduce(%110 init: %111) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %113 = stablehlo.reshape %112 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %114 = stablehlo.constant dense<0.0625> : tensor<f32>
    %115 = stablehlo.broadcast_in_dim %114, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %116 = stablehlo.multiply %113, %115 : tensor<1x1x1x64xf32>
    %117 = stablehlo.reshape %116 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %118 = stablehlo.broadcast_in_dim %117, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %119 = stablehlo.subtract %104, %118 : tensor<1x16x16x64xf32>
    %120 = stablehlo.multiply %119, %119 : tensor<1x16x16x64xf32>
    %121 = stablehlo.constant dense<0.0> : tensor<f32>
    %122 = stablehlo.reduce(%120 init: %121) applies stablehlo.add across dimensions = [2] : (tensor<1x16x16x64xf32>, tensor<f32>) -> tensor<1x16x64xf32>
    %123 = stablehlo.reshape %122 : (tensor<1x16x64xf32>) -> tensor<1x16x1x64xf32>
    %124 = stablehlo.constant dense<0.0625> : tensor<f32>
    %125 = stablehlo.broadcast_in_dim %124, dims = [] : (tensor<f32>) -> tensor<1x16x1x64xf32>
    %126 = stablehlo.multiply %123, %125 : tensor<1x16x1x64xf32>
    %127 = stablehlo.constant dense<0.0> : tensor<f32>
    %128 = stablehlo.reduce(%126 init: %127) applies stablehlo.add across dimensions = [1] : (tensor<1x16x1x64xf32>, tensor<f32>) -> tensor<1x1x64xf32>
    %129 = stablehlo.reshape %128 : (tensor<1x1x64xf32>) -> tensor<1x1x1x64xf32>
    %130 = stablehlo.constant dense<0.0625> : tensor<f32>
    %131 = stablehlo.broadcast_in_dim %130, dims = [] : (tensor<f32>) -> tensor<1x1x1x64xf32>
    %132 = stablehlo.multiply %129, %131 : tensor<1x1x1x64xf32>
    %133 = stablehlo.concatenate %116, %132, dim = 1 : (tensor<1x1x1x64xf32>, tensor<1x1x1x64xf32>) -> tensor<1x2x1x64xf32>
    %134 = stablehlo.reshape %133 : (tensor<1x2x1x64xf32>) -> tensor<1x1x2x64xf32>
    %135 = stablehlo.slice %134 [0:1, 0:1, 0:1, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %136 = stablehlo.reshape %135 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %137 = stablehlo.constant dense<0.0> : tensor<f32>
    %138 = stablehlo.reduce(%136 init: %137) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x8xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %139 = stablehlo.reshape %138 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %140 = stablehlo.constant dense<0.125> : tensor<f32>
    %141 = stablehlo.broadcast_in_dim %140, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %142 = stablehlo.multiply %139, %141 : tensor<1x1x8x1xf32>
    %143 = stablehlo.constant dense<0.0> : tensor<f32>
    %144 = stablehlo.reduce(%142 init: %143) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %145 = stablehlo.reshape %144 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %146 = stablehlo.constant dense<1.0> : tensor<f32>
    %147 = stablehlo.broadcast_in_dim %146, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %148 = stablehlo.multiply %145, %147 : tensor<1x1x8x1xf32>
    %149 = stablehlo.reshape %148 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %150 = stablehlo.broadcast_in_dim %149, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %151 = stablehlo.reshape %150 : (tensor<1x1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %152 = stablehlo.reshape %151 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %153 = stablehlo.broadcast_in_dim %152, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %154 = stablehlo.subtract %103, %153 : tensor<1x16x16x64xf32>
    %155 = stablehlo.slice %134 [0:1, 0:1, 1:2, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %156 = stablehlo.reshape %155 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %157 = stablehlo.slice %134 [0:1, 0:1, 0:1, 0:64] : (tensor<1x1x2x64xf32>) -> tensor<1x1x1x64xf32>
    %158 = stablehlo.reshape %157 : (tensor<1x1x1x64xf32>) -> tensor<1x1x8x8xf32>
    %159 = stablehlo.reshape %148 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %160 = stablehlo.broadcast_in_dim %159, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %161 = stablehlo.subtract %158, %160 : tensor<1x1x8x8xf32>
    %162 = stablehlo.multiply %161, %161 : tensor<1x1x8x8xf32>
    %163 = stablehlo.add %156, %162 : tensor<1x1x8x8xf32>
    %164 = stablehlo.constant dense<0.0> : tensor<f32>
    %165 = stablehlo.reduce(%163 init: %164) applies stablehlo.add across dimensions = [3] : (tensor<1x1x8x8xf32>, tensor<f32>) -> tensor<1x1x8xf32>
    %166 = stablehlo.reshape %165 : (tensor<1x1x8xf32>) -> tensor<1x1x8x1xf32>
    %167 = stablehlo.constant dense<0.125> : tensor<f32>
    %168 = stablehlo.broadcast_in_dim %167, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %169 = stablehlo.multiply %166, %168 : tensor<1x1x8x1xf32>
    %170 = stablehlo.constant dense<0.0> : tensor<f32>
    %171 = stablehlo.reduce(%169 init: %170) applies stablehlo.add across dimensions = [0] : (tensor<1x1x8x1xf32>, tensor<f32>) -> tensor<1x8x1xf32>
    %172 = stablehlo.reshape %171 : (tensor<1x8x1xf32>) -> tensor<1x1x8x1xf32>
    %173 = stablehlo.constant dense<1.0> : tensor<f32>
    %174 = stablehlo.broadcast_in_dim %173, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %175 = stablehlo.multiply %172, %174 : tensor<1x1x8x1xf32>
    %176 = stablehlo.constant dense<0.000001> : tensor<f32>
    %177 = stablehlo.broadcast_in_dim %176, dims = [] : (tensor<f32>) -> tensor<1x1x8x1xf32>
    %178 = stablehlo.add %175, %177 : tensor<1x1x8x1xf32>
    %179 = stablehlo.rsqrt %178 : tensor<1x1x8x1xf32>
    %180 = stablehlo.reshape %179 : (tensor<1x1x8x1xf32>) -> tensor<1x1x8xf32>
    %181 = stablehlo.broadcast_in_dim %180, dims = [0, 1, 2] : (tensor<1x1x8xf32>) -> tensor<1x1x8x8xf32>
    %182 = stablehlo.reshape %181 : (tensor<1x1x8x8xf32>) -> tensor<1x1x1x64xf32>
    %183 = stablehlo.convert %arg5 : (tensor<64xbf16>) -> tensor<64xf32>
    %184 = stablehlo.reshape %183 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %185 = stablehlo.multiply %182, %184 : tensor<1x1x1x64xf32>
    %186 = stablehlo.reshape %185 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %187 = stablehlo.broadcast_in_dim %186, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %188 = stablehlo.multiply %154, %187 : tensor<1x16x16x64xf32>
    %189 = stablehlo.convert %arg6 : (tensor<64xbf16>) -> tensor<64xf32>
    %190 = stablehlo.reshape %189 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %191 = stablehlo.reshape %190 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %192 = stablehlo.broadcast_in_dim %191, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x16x16x64xf32>
    %193 = stablehlo.add %188, %192 : tensor<1x16x16x64xf32>
    %194 = stablehlo.convert %193 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %195 = stablehlo.convert %194 : (tensor<1x16x16x64xbf16>) -> tensor<1x16x16x64xf32>
    %196 = stablehlo.logistic %195 : tensor<1x16x16x64xf32>
    %197 = stablehlo.multiply %195, %196 : tensor<1x16x16x64xf32>
    %198 = stablehlo.convert %197 : (tensor<1x16x16x64xf32>) -> tensor<1x16x16x64xbf16>
    %199 = stablehlo.convolution(%198, %arg7) dim_numbers = [b, 0, 1, f]x[o, i, 0, 1]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x16x16x64xbf16>, tensor<64x64x3x3xbf16>) -> tensor<1x16x16x64xbf16>
    %200 = stablehlo.reshape %arg8 : (tensor<64xbf16>) -> tensor<1x1x1x64xbf16>
    %201 = stablehlo.reshape %200 : (tensor<1x1x1x64xbf16>) -> tensor<1x64xbf16>
    %202 = stablehlo.broadcast_in_dim %201, dims = [0, 3] : (tensor<1x64xbf16>) -> tensor<1x16x16x64xbf16>
    %203 = stablehlo.add %199, %202 : tensor<1x16x16x64xbf16>
    %204 = stablehlo.add %arg0, %203 : tensor<1x16x16x64xbf16>
    return %204 : tensor<1x16x16x64xbf16>
  }
}
