module @flux_double_block {
  func.func public @main(%arg0: tensor<1x64x192xbf16>, %arg1: tensor<1x32x192xbf16>, %arg2: tensor<1x12x192xbf16>, %arg3: tensor<96x32xf32>, %arg4: tensor<96x32xf32>, %arg5: tensor<192x192xbf16>, %arg6: tensor<192xbf16>, %arg7: tensor<192x192xbf16>, %arg8: tensor<192xbf16>, %arg9: tensor<192x192xbf16>, %arg10: tensor<192xbf16>, %arg11: tensor<64xbf16>, %arg12: tensor<64xbf16>, %arg13: tensor<192x192xbf16>, %arg14: tensor<192xbf16>, %arg15: tensor<768x192xbf16>, %arg16: tensor<768xbf16>, %arg17: tensor<192x768xbf16>, %arg18: tensor<192xbf16>, %arg19: tensor<192x192xbf16>, %arg20: tensor<192xbf16>, %arg21: tensor<192x192xbf16>, %arg22: tensor<192xbf16>, %arg23: tensor<192x192xbf16>, %arg24: tensor<192xbf16>, %arg25: tensor<64xbf16>, %arg26: tensor<64xbf16>, %arg27: tensor<192x192xbf16>, %arg28: tensor<192xbf16>, %arg29: tensor<768x192xbf16>, %arg30: tensor<768xbf16>, %arg31: tensor<192x768xbf16>, %arg32: tensor<192xbf16>) -> (tensor<1x64x192xbf16>, tensor<1x32x192xbf16>) {
    %0 = stablehlo.slice %arg2 [0:1, 2:3, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %1 = stablehlo.reshape %0 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %2 = stablehlo.broadcast_in_dim %1, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %3 = stablehlo.convert %arg1 : (tensor<1x32x192xbf16>) -> tensor<1x32x192xf32>
    %4 = stablehlo.constant dense<0.0> : tensor<f32>
    %5 = stablehlo.reduce(%3 init: %4) applies stablehlo.add across dimensions = [2] : (tensor<1x32x192xf32>, tensor<f32>) -> tensor<1x32xf32>
    %6 = stablehlo.reshape %5 : (tensor<1x32xf32>) -> tensor<1x32x1xf32>
    %7 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %9 = stablehlo.multiply %6, %8 : tensor<1x32x1xf32>
    %10 = stablehlo.reshape %9 : (tensor<1x32x1xf32>) -> tensor<1x32xf32>
    %11 = stablehlo.broadcast_in_dim %10, dims = [0, 1] : (tensor<1x32xf32>) -> tensor<1x32x192xf32>
    %12 = stablehlo.subtract %3, %11 : tensor<1x32x192xf32>
    %13 = stablehlo.multiply %12, %12 : tensor<1x32x192xf32>
    %14 = stablehlo.constant dense<0.0> : tensor<f32>
    %15 = stablehlo.reduce(%13 init: %14) applies stablehlo.add across dimensions = [2] : (tensor<1x32x192xf32>, tensor<f32>) -> tensor<1x32xf32>
    %16 = stablehlo.reshape %15 : (tensor<1x32xf32>) -> tensor<1x32x1xf32>
    %17 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %18 = stablehlo.broadcast_in_dim %17, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %19 = stablehlo.multiply %16, %18 : tensor<1x32x1xf32>
    %20 = stablehlo.constant dense<0.000001> : tensor<f32>
    %21 = stablehlo.broadcast_in_dim %20, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %22 = stablehlo.add %19, %21 : tensor<1x32x1xf32>
    %23 = stablehlo.rsqrt %22 : tensor<1x32x1xf32>
    %24 = stablehlo.reshape %23 : (tensor<1x32x1xf32>) -> tensor<1x32xf32>
    %25 = stablehlo.broadcast_in_dim %24, dims = [0, 1] : (tensor<1x32xf32>) -> tensor<1x32x192xf32>
    %26 = stablehlo.multiply %12, %25 : tensor<1x32x192xf32>
    %27 = stablehlo.convert %26 : (tensor<1x32x192xf32>) -> tensor<1x32x192xbf16>
    %28 = stablehlo.slice %arg2 [0:1, 7:8, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %29 = stablehlo.constant dense<1.0> : tensor<bf16>
    %30 = stablehlo.broadcast_in_dim %29, dims = [] : (tensor<bf16>) -> tensor<1x1x192xbf16>
    %31 = stablehlo.add %28, %30 : tensor<1x1x192xbf16>
    %32 = stablehlo.reshape %31 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %33 = stablehlo.broadcast_in_dim %32, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %34 = stablehlo.multiply %27, %33 : tensor<1x32x192xbf16>
    %35 = stablehlo.slice %arg2 [0:1, 6:7, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %36 = stablehlo.reshape %35 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %37 = stablehlo.broadcast_in_dim %36, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %38 = stablehlo.add %34, %37 : tensor<1x32x192xbf16>
    %39 = stablehlo.dot_general %38, %arg19, contracting_dims = [2] x [1] : (tensor<1x32x192xbf16>, tensor<192x192xbf16>) -> tensor<1x32x192xf32>
    %40 = stablehlo.convert %39 : (tensor<1x32x192xf32>) -> tensor<1x32x192xbf16>
    %41 = stablehlo.reshape %arg20 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %42 = stablehlo.reshape %41 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %43 = stablehlo.broadcast_in_dim %42, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %44 = stablehlo.add %40, %43 : tensor<1x32x192xbf16>
    %45 = stablehlo.reshape %44 : (tensor<1x32x192xbf16>) -> tensor<1x32x3x64xbf16>
    %46 = stablehlo.convert %45 : (tensor<1x32x3x64xbf16>) -> tensor<1x32x3x64xf32>
    %47 = stablehlo.multiply %46, %46 : tensor<1x32x3x64xf32>
    %48 = stablehlo.constant dense<0.0> : tensor<f32>
    %49 = stablehlo.reduce(%47 init: %48) applies stablehlo.add across dimensions = [3] : (tensor<1x32x3x64xf32>, tensor<f32>) -> tensor<1x32x3xf32>
    %50 = stablehlo.reshape %49 : (tensor<1x32x3xf32>) -> tensor<1x32x3x1xf32>
    %51 = stablehlo.constant dense<0.015625> : tensor<f32>
    %52 = stablehlo.broadcast_in_dim %51, dims = [] : (tensor<f32>) -> tensor<1x32x3x1xf32>
    %53 = stablehlo.multiply %50, %52 : tensor<1x32x3x1xf32>
    %54 = stablehlo.constant dense<0.000001> : tensor<f32>
    %55 = stablehlo.broadcast_in_dim %54, dims = [] : (tensor<f32>) -> tensor<1x32x3x1xf32>
    %56 = stablehlo.add %53, %55 : tensor<1x32x3x1xf32>
    %57 = stablehlo.rsqrt %56 : tensor<1x32x3x1xf32>
    %58 = stablehlo.reshape %57 : (tensor<1x32x3x1xf32>) -> tensor<1x32x3xf32>
    %59 = stablehlo.broadcast_in_dim %58, dims = [0, 1, 2] : (tensor<1x32x3xf32>) -> tensor<1x32x3x64xf32>
    %60 = stablehlo.multiply %46, %59 : tensor<1x32x3x64xf32>
    %61 = stablehlo.convert %arg25 : (tensor<64xbf16>) -> tensor<64xf32>
    %62 = stablehlo.reshape %61 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %63 = stablehlo.reshape %62 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %64 = stablehlo.broadcast_in_dim %63, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x32x3x64xf32>
    %65 = stablehlo.multiply %60, %64 : tensor<1x32x3x64xf32>
    %66 = stablehlo.convert %arg0 : (tensor<1x64x192xbf16>) -> tensor<1x64x192xf32>
    %67 = stablehlo.constant dense<0.0> : tensor<f32>
    %68 = stablehlo.reduce(%66 init: %67) applies stablehlo.add across dimensions = [2] : (tensor<1x64x192xf32>, tensor<f32>) -> tensor<1x64xf32>
    %69 = stablehlo.reshape %68 : (tensor<1x64xf32>) -> tensor<1x64x1xf32>
    %70 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %71 = stablehlo.broadcast_in_dim %70, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %72 = stablehlo.multiply %69, %71 : tensor<1x64x1xf32>
    %73 = stablehlo.reshape %72 : (tensor<1x64x1xf32>) -> tensor<1x64xf32>
    %74 = stablehlo.broadcast_in_dim %73, dims = [0, 1] : (tensor<1x64xf32>) -> tensor<1x64x192xf32>
    %75 = stablehlo.subtract %66, %74 : tensor<1x64x192xf32>
    %76 = stablehlo.multiply %75, %75 : tensor<1x64x192xf32>
    %77 = stablehlo.constant dense<0.0> : tensor<f32>
    %78 = stablehlo.reduce(%76 init: %77) applies stablehlo.add across dimensions = [2] : (tensor<1x64x192xf32>, tensor<f32>) -> tensor<1x64xf32>
    %79 = stablehlo.reshape %78 : (tensor<1x64xf32>) -> tensor<1x64x1xf32>
    %80 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %81 = stablehlo.broadcast_in_dim %80, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %82 = stablehlo.multiply %79, %81 : tensor<1x64x1xf32>
    %83 = stablehlo.constant dense<0.000001> : tensor<f32>
    %84 = stablehlo.broadcast_in_dim %83, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %85 = stablehlo.add %82, %84 : tensor<1x64x1xf32>
    %86 = stablehlo.rsqrt %85 : tensor<1x64x1xf32>
    %87 = stablehlo.reshape %86 : (tensor<1x64x1xf32>) -> tensor<1x64xf32>
    %88 = stablehlo.broadcast_in_dim %87, dims = [0, 1] : (tensor<1x64xf32>) -> tensor<1x64x192xf32>
    %89 = stablehlo.multiply %75, %88 : tensor<1x64x192xf32>
    %90 = stablehlo.convert %89 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %91 = stablehlo.slice %arg2 [0:1, 1:2, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %92 = stablehlo.constant dense<1.0> : tensor<bf16>
    %93 = stablehlo.broadcast_in_dim %92, dims = [] : (tensor<bf16>) -> tensor<1x1x192xbf16>
    %94 = stablehlo.add %91, %93 : tensor<1x1x192xbf16>
    %95 = stablehlo.reshape %94 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %96 = stablehlo.broadcast_in_dim %95, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %97 = stablehlo.multiply %90, %96 : tensor<1x64x192xbf16>
    %98 = stablehlo.slice %arg2 [0:1, 0:1, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %99 = stablehlo.reshape %98 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %100 = stablehlo.broadcast_in_dim %99, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %101 = stablehlo.add %97, %100 : tensor<1x64x192xbf16>
    %102 = stablehlo.dot_general %101, %arg5, contracting_dims = [2] x [1] : (tensor<1x64x192xbf16>, tensor<192x192xbf16>) -> tensor<1x64x192xf32>
    %103 = stablehlo.convert %102 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %104 = stablehlo.reshape %arg6 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %105 = stablehlo.reshape %104 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %106 = stablehlo.broadcast_in_dim %105, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %107 = stablehlo.add %103, %106 : tensor<1x64x192xbf16>
    %108 = stablehlo.reshape %107 : (tensor<1x64x192xbf16>) -> tensor<1x64x3x64xbf16>
    %109 = stablehlo.convert %108 : (tensor<1x64x3x64xbf16>) -> tensor<1x64x3x64xf32>
    %110 = stablehlo.multiply %109, %109 : tensor<1x64x3x64xf32>
    %111 = stablehlo.constant dense<0.0> : tensor<f32>
    %112 = stablehlo.reduce(%110 init: %111) applies stablehlo.add across dimensions = [3] : (tensor<1x64x3x64xf32>, tensor<f32>) -> tensor<1x64x3xf32>
    %113 = stablehlo.reshape %112 : (tensor<1x64x3xf32>) -> tensor<1x64x3x1xf32>
    %114 = stablehlo.constant dense<0.015625> : tensor<f32>
    %115 = stablehlo.broadcast_in_dim %114, dims = [] : (tensor<f32>) -> tensor<1x64x3x1xf32>
    %116 = stablehlo.multiply %113, %115 : tensor<1x64x3x1xf32>
    %117 = stablehlo.constant dense<0.000001> : tensor<f32>
    %118 = stablehlo.broadcast_in_dim %117, dims = [] : (tensor<f32>) -> tensor<1x64x3x1xf32>
    %119 = stablehlo.add %116, %118 : tensor<1x64x3x1xf32>
    %120 = stablehlo.rsqrt %119 : tensor<1x64x3x1xf32>
    %121 = stablehlo.reshape %120 : (tensor<1x64x3x1xf32>) -> tensor<1x64x3xf32>
    %122 = stablehlo.broadcast_in_dim %121, dims = [0, 1, 2] : (tensor<1x64x3xf32>) -> tensor<1x64x3x64xf32>
    %123 = stablehlo.multiply %109, %122 : tensor<1x64x3x64xf32>
    %124 = stablehlo.convert %arg11 : (tensor<64xbf16>) -> tensor<64xf32>
    %125 = stablehlo.reshape %124 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %126 = stablehlo.reshape %125 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %127 = stablehlo.broadcast_in_dim %126, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x64x3x64xf32>
    %128 = stablehlo.multiply %123, %127 : tensor<1x64x3x64xf32>
    %129 = stablehlo.concatenate %65, %128, dim = 1 : (tensor<1x32x3x64xf32>, tensor<1x64x3x64xf32>) -> tensor<1x96x3x64xf32>
    %130 = stablehlo.slice %129 [0:1, 0:96, 0:3, 0:64:2] : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x32xf32>
    %131 = stablehlo.reshape %arg3 : (tensor<96x32xf32>) -> tensor<1x96x1x32xf32>
    %132 = stablehlo.reshape %131 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %133 = stablehlo.broadcast_in_dim %132, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %134 = stablehlo.multiply %130, %133 : tensor<1x96x3x32xf32>
    %135 = stablehlo.slice %129 [0:1, 0:96, 0:3, 1:64:2] : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x32xf32>
    %136 = stablehlo.reshape %arg4 : (tensor<96x32xf32>) -> tensor<1x96x1x32xf32>
    %137 = stablehlo.reshape %136 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %138 = stablehlo.broadcast_in_dim %137, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %139 = stablehlo.multiply %135, %138 : tensor<1x96x3x32xf32>
    %140 = stablehlo.subtract %134, %139 : tensor<1x96x3x32xf32>
    %141 = stablehlo.reshape %131 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %142 = stablehlo.broadcast_in_dim %141, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %143 = stablehlo.multiply %135, %142 : tensor<1x96x3x32xf32>
    %144 = stablehlo.reshape %136 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %145 = stablehlo.broadcast_in_dim %144, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %146 = stablehlo.multiply %130, %145 : tensor<1x96x3x32xf32>
    %147 = stablehlo.add %143, %146 : tensor<1x96x3x32xf32>
    %148 = stablehlo.concatenate %140, %147, dim = 3 : (tensor<1x96x3x32xf32>, tensor<1x96x3x32xf32>) -> tensor<1x96x3x64xf32>
    %149 = stablehlo.convert %148 : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x64xbf16>
    %150 = stablehlo.transpose %149, dims = [0, 2, 1, 3] : (tensor<1x96x3x64xbf16>) -> tensor<1x3x96x64xbf16>
    %151 = stablehlo.dot_general %38, %arg21, contracting_dims = [2] x [1] : (tensor<1x32x192xbf16>, tensor<192x192xbf16>) -> tensor<1x32x192xf32>
    %152 = stablehlo.convert %151 : (tensor<1x32x192xf32>) -> tensor<1x32x192xbf16>
    %153 = stablehlo.reshape %arg22 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %154 = stablehlo.reshape %153 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %155 = stablehlo.broadcast_in_dim %154, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %156 = stablehlo.add %152, %155 : tensor<1x32x192xbf16>
    %157 = stablehlo.reshape %156 : (tensor<1x32x192xbf16>) -> tensor<1x32x3x64xbf16>
    %158 = stablehlo.convert %157 : (tensor<1x32x3x64xbf16>) -> tensor<1x32x3x64xf32>
    %159 = stablehlo.multiply %158, %158 : tensor<1x32x3x64xf32>
    %160 = stablehlo.constant dense<0.0> : tensor<f32>
    %161 = stablehlo.reduce(%159 init: %160) applies stablehlo.add across dimensions = [3] : (tensor<1x32x3x64xf32>, tensor<f32>) -> tensor<1x32x3xf32>
    %162 = stablehlo.reshape %161 : (tensor<1x32x3xf32>) -> tensor<1x32x3x1xf32>
    %163 = stablehlo.constant dense<0.015625> : tensor<f32>
    %164 = stablehlo.broadcast_in_dim %163, dims = [] : (tensor<f32>) -> tensor<1x32x3x1xf32>
    %165 = stablehlo.multiply %162, %164 : tensor<1x32x3x1xf32>
    %166 = stablehlo.constant dense<0.000001> : tensor<f32>
    %167 = stablehlo.broadcast_in_dim %166, dims = [] : (tensor<f32>) -> tensor<1x32x3x1xf32>
    %168 = stablehlo.add %165, %167 : tensor<1x32x3x1xf32>
    %169 = stablehlo.rsqrt %168 : tensor<1x32x3x1xf32>
    %170 = stablehlo.reshape %169 : (tensor<1x32x3x1xf32>) -> tensor<1x32x3xf32>
    %171 = stablehlo.broadcast_in_dim %170, dims = [0, 1, 2] : (tensor<1x32x3xf32>) -> tensor<1x32x3x64xf32>
    %172 = stablehlo.multiply %158, %171 : tensor<1x32x3x64xf32>
    %173 = stablehlo.convert %arg26 : (tensor<64xbf16>) -> tensor<64xf32>
    %174 = stablehlo.reshape %173 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %175 = stablehlo.reshape %174 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %176 = stablehlo.broadcast_in_dim %175, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x32x3x64xf32>
    %177 = stablehlo.multiply %172, %176 : tensor<1x32x3x64xf32>
    %178 = stablehlo.dot_general %101, %arg7, contracting_dims = [2] x [1] : (tensor<1x64x192xbf16>, tensor<192x192xbf16>) -> tensor<1x64x192xf32>
    %179 = stablehlo.convert %178 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %180 = stablehlo.reshape %arg8 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %181 = stablehlo.reshape %180 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %182 = stablehlo.broadcast_in_dim %181, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %183 = stablehlo.add %179, %182 : tensor<1x64x192xbf16>
    %184 = stablehlo.reshape %183 : (tensor<1x64x192xbf16>) -> tensor<1x64x3x64xbf16>
    %185 = stablehlo.convert %184 : (tensor<1x64x3x64xbf16>) -> tensor<1x64x3x64xf32>
    %186 = stablehlo.multiply %185, %185 : tensor<1x64x3x64xf32>
    %187 = stablehlo.constant dense<0.0> : tensor<f32>
    %188 = stablehlo.reduce(%186 init: %187) applies stablehlo.add across dimensions = [3] : (tensor<1x64x3x64xf32>, tensor<f32>) -> tensor<1x64x3xf32>
    %189 = stablehlo.reshape %188 : (tensor<1x64x3xf32>) -> tensor<1x64x3x1xf32>
    %190 = stablehlo.constant dense<0.015625> : tensor<f32>
    %191 = stablehlo.broadcast_in_dim %190, dims = [] : (tensor<f32>) -> tensor<1x64x3x1xf32>
    %192 = stablehlo.multiply %189, %191 : tensor<1x64x3x1xf32>
    %193 = stablehlo.constant dense<0.000001> : tensor<f32>
    %194 = stablehlo.broadcast_in_dim %193, dims = [] : (tensor<f32>) -> tensor<1x64x3x1xf32>
    %195 = stablehlo.add %192, %194 : tensor<1x64x3x1xf32>
    %196 = stablehlo.rsqrt %195 : tensor<1x64x3x1xf32>
    %197 = stablehlo.reshape %196 : (tensor<1x64x3x1xf32>) -> tensor<1x64x3xf32>
    %198 = stablehlo.broadcast_in_dim %197, dims = [0, 1, 2] : (tensor<1x64x3xf32>) -> tensor<1x64x3x64xf32>
    %199 = stablehlo.multiply %185, %198 : tensor<1x64x3x64xf32>
    %200 = stablehlo.convert %arg12 : (tensor<64xbf16>) -> tensor<64xf32>
    %201 = stablehlo.reshape %200 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %202 = stablehlo.reshape %201 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %203 = stablehlo.broadcast_in_dim %202, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x64x3x64xf32>
    %204 = stablehlo.multiply %199, %203 : tensor<1x64x3x64xf32>
    %205 = stablehlo.concatenate %177, %204, dim = 1 : (tensor<1x32x3x64xf32>, tensor<1x64x3x64xf32>) -> tensor<1x96x3x64xf32>
    %206 = stablehlo.slice %205 [0:1, 0:96, 0:3, 0:64:2] : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x32xf32>
    %207 = stablehlo.reshape %arg3 : (tensor<96x32xf32>) -> tensor<1x96x1x32xf32>
    %208 = stablehlo.reshape %207 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %209 = stablehlo.broadcast_in_dim %208, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %210 = stablehlo.multiply %206, %209 : tensor<1x96x3x32xf32>
    %211 = stablehlo.slice %205 [0:1, 0:96, 0:3, 1:64:2] : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x32xf32>
    %212 = stablehlo.reshape %arg4 : (tensor<96x32xf32>) -> tensor<1x96x1x32xf32>
    %213 = stablehlo.reshape %212 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %214 = stablehlo.broadcast_in_dim %213, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %215 = stablehlo.multiply %211, %214 : tensor<1x96x3x32xf32>
    %216 = stablehlo.subtract %210, %215 : tensor<1x96x3x32xf32>
    %217 = stablehlo.reshape %207 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %218 = stablehlo.broadcast_in_dim %217, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %219 = stablehlo.multiply %211, %218 : tensor<1x96x3x32xf32>
    %220 = stablehlo.reshape %212 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %221 = stablehlo.broadcast_in_dim %220, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %222 = stablehlo.multiply %206, %221 : tensor<1x96x3x32xf32>
    %223 = stablehlo.add %219, %222 : tensor<1x96x3x32xf32>
    %224 = stablehlo.concatenate %216, %223, dim = 3 : (tensor<1x96x3x32xf32>, tensor<1x96x3x32xf32>) -> tensor<1x96x3x64xf32>
    %225 = stablehlo.convert %224 : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x64xbf16>
    %226 = stablehlo.transpose %225, dims = [0, 2, 1, 3] : (tensor<1x96x3x64xbf16>) -> tensor<1x3x96x64xbf16>
    %227 = stablehlo.dot_general %150, %226, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x3x96x64xbf16>, tensor<1x3x96x64xbf16>) -> tensor<1x3x96x96xf32>
    %228 = stablehlo.constant dense<0.125> : tensor<f32>
    %229 = stablehlo.broadcast_in_dim %228, dims = [] : (tensor<f32>) -> tensor<1x3x96x96xf32>
    %230 = stablehlo.multiply %227, %229 : tensor<1x3x96x96xf32>
    %231 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %232 = stablehlo.reduce(%230 init: %231) applies stablehlo.maximum across dimensions = [3] : (tensor<1x3x96x96xf32>, tensor<f32>) -> tensor<1x3x96xf32>
    %233 = stablehlo.reshape %232 : (tensor<1x3x96xf32>) -> tensor<1x3x96x1xf32>
    %234 = stablehlo.reshape %233 : (tensor<1x3x96x1xf32>) -> tensor<1x3x96xf32>
    %235 = stablehlo.broadcast_in_dim %234, dims = [0, 1, 2] : (tensor<1x3x96xf32>) -> tensor<1x3x96x96xf32>
    %236 = stablehlo.subtract %230, %235 : tensor<1x3x96x96xf32>
    %237 = stablehlo.exponential %236 : tensor<1x3x96x96xf32>
    %238 = stablehlo.constant dense<0.0> : tensor<f32>
    %239 = stablehlo.reduce(%237 init: %238) applies stablehlo.add across dimensions = [3] : (tensor<1x3x96x96xf32>, tensor<f32>) -> tensor<1x3x96xf32>
    %240 = stablehlo.reshape %239 : (tensor<1x3x96xf32>) -> tensor<1x3x96x1xf32>
    %241 = stablehlo.reshape %240 : (tensor<1x3x96x1xf32>) -> tensor<1x3x96xf32>
    %242 = stablehlo.broadcast_in_dim %241, dims = [0, 1, 2] : (tensor<1x3x96xf32>) -> tensor<1x3x96x96xf32>
    %243 = stablehlo.divide %237, %242 : tensor<1x3x96x96xf32>
    %244 = stablehlo.convert %243 : (tensor<1x3x96x96xf32>) -> tensor<1x3x96x96xbf16>
    %245 = stablehlo.dot_general %38, %arg23, contracting_dims = [2] x [1] : (tensor<1x32x192xbf16>, tensor<192x192xbf16>) -> tensor<1x32x192xf32>
    %246 = stablehlo.convert %245 : (tensor<1x32x192xf32>) -> tensor<1x32x192xbf16>
    %247 = stablehlo.reshape %arg24 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %248 = stablehlo.reshape %247 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %249 = stablehlo.broadcast_in_dim %248, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %250 = stablehlo.add %246, %249 : tensor<1x32x192xbf16>
    %251 = stablehlo.reshape %250 : (tensor<1x32x192xbf16>) -> tensor<1x32x3x64xbf16>
    %252 = stablehlo.dot_general %101, %arg9, contracting_dims = [2] x [1] : (tensor<1x64x192xbf16>, tensor<192x192xbf16>) -> tensor<1x64x192xf32>
    %253 = stablehlo.convert %252 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %254 = stablehlo.reshape %arg10 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %255 = stablehlo.reshape %254 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %256 = stablehlo.broadcast_in_dim %255, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %257 = stablehlo.add %253, %256 : tensor<1x64x192xbf16>
    %258 = stablehlo.reshape %257 : (tensor<1x64x192xbf16>) -> tensor<1x64x3x64xbf16>
    %259 = stablehlo.concatenate %251, %258, dim = 1 : (tensor<1x32x3x64xbf16>, tensor<1x64x3x64xbf16>) -> tensor<1x96x3x64xbf16>
    %260 = stablehlo.transpose %259, dims = [0, 2, 1, 3] : (tensor<1x96x3x64xbf16>) -> tensor<1x3x96x64xbf16>
    %261 = stablehlo.dot_general %244, %260, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<1x3x96x96xbf16>, tensor<1x3x96x64xbf16>) -> tensor<1x3x96x64xf32>
    %262 = stablehlo.convert %261 : (tensor<1x3x96x64xf32>) -> tensor<1x3x96x64xbf16>
    %263 = stablehlo.transpose %262, dims = [0, 2, 1, 3] : (tensor<1x3x96x64xbf16>) -> tensor<1x96x3x64xbf16>
    %264 = stablehlo.reshape %263 : (tensor<1x96x3x64xbf16>) -> tensor<1x96x192xbf16>
    %265 = stablehlo.slice %264 [0:1, 32:96, 0:192] : (tensor<1x96x192xbf16>) -> tensor<1x64x192xbf16>
    %266 = stablehlo.dot_general %265, %arg13, contracting_dims = [2] x [1] : (tensor<1x64x192xbf16>, tensor<192x192xbf16>) -> tensor<1x64x192xf32>
    %267 = stablehlo.convert %266 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %268 = stablehlo.reshape %arg14 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %269 = stablehlo.reshape %268 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %270 = stablehlo.broadcast_in_dim %269, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %271 = stablehlo.add %267, %270 : tensor<1x64x192xbf16>
    %272 = stablehlo.multiply %2, %271 : tensor<1x64x192xbf16>
    %273 = stablehlo.add %arg0, %272 : tensor<1x64x192xbf16>
    %274 = stablehlo.slice %arg2 [0:1, 5:6, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %275 = stablehlo.reshape %274 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %276 = stablehlo.broadcast_in_dim %275, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %277 = stablehlo.convert %273 : (tensor<1x64x192xbf16>) -> tensor<1x64x192xf32>
    %278 = stablehlo.constant dense<0.0> : tensor<f32>
    %279 = stablehlo.reduce(%277 init: %278) applies stablehlo.add across dimensions = [2] : (tensor<1x64x192xf32>, tensor<f32>) -> tensor<1x64xf32>
    %280 = stablehlo.reshape %279 : (tensor<1x64xf32>) -> tensor<1x64x1xf32>
    %281 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %282 = stablehlo.broadcast_in_dim %281, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %283 = stablehlo.multiply %280, %282 : tensor<1x64x1xf32>
    %284 = stablehlo.reshape %283 : (tensor<1x64x1xf32>) -> tensor<1x64xf32>
    %285 = stablehlo.broadcast_in_dim %284, dims = [0, 1] : (tensor<1x64xf32>) -> tensor<1x64x192xf32>
    %286 = stablehlo.subtract %277, %285 : tensor<1x64x192xf32>
    %287 = stablehlo.multiply %286, %286 : tensor<1x64x192xf32>
    %288 = stablehlo.constant dense<0.0> : tensor<f32>
    %289 = stablehlo.reduce(%287 init: %288) applies stablehlo.add across dimensions = [2] : (tensor<1x64x192xf32>, tensor<f32>) -> tensor<1x64xf32>
    %290 = stablehlo.reshape %289 : (tensor<1x64xf32>) -> tensor<1x64x1xf32>
    %291 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %292 = stablehlo.broadcast_in_dim %291, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %293 = stablehlo.multiply %290, %292 : tensor<1x64x1xf32>
    %294 = stablehlo.constant dense<0.000001> : tensor<f32>
    %295 = stablehlo.broadcast_in_dim %294, dims = [] : (tensor<f32>) -> tensor<1x64x1xf32>
    %296 = stablehlo.add %293, %295 : tensor<1x64x1xf32>
    %297 = stablehlo.rsqrt %296 : tensor<1x64x1xf32>
    %298 = stablehlo.reshape %297 : (tensor<1x64x1xf32>) -> tensor<1x64xf32>
    %299 = stablehlo.broadcast_in_dim %298, dims = [0, 1] : (tensor<1x64xf32>) -> tensor<1x64x192xf32>
    %300 = stablehlo.multiply %286, %299 : tensor<1x64x192xf32>
    %301 = stablehlo.convert %300 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %302 = stablehlo.slice %arg2 [0:1, 4:5, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %303 = stablehlo.constant dense<1.0> : tensor<bf16>
    %304 = stablehlo.broadcast_in_dim %303, dims = [] : (tensor<bf16>) -> tensor<1x1x192xbf16>
    %305 = stablehlo.add %302, %304 : tensor<1x1x192xbf16>
    %306 = stablehlo.reshape %305 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %307 = stablehlo.broadcast_in_dim %306, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %308 = stablehlo.multiply %301, %307 : tensor<1x64x192xbf16>
    %309 = stablehlo.slice %arg2 [0:1, 3:4, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %310 = stablehlo.reshape %309 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %311 = stablehlo.broadcast_in_dim %310, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %312 = stablehlo.add %308, %311 : tensor<1x64x192xbf16>
    %313 = stablehlo.dot_general %312, %arg15, contracting_dims = [2] x [1] : (tensor<1x64x192xbf16>, tensor<768x192xbf16>) -> tensor<1x64x768xf32>
    %314 = stablehlo.convert %313 : (tensor<1x64x768xf32>) -> tensor<1x64x768xbf16>
    %315 = stablehlo.reshape %arg16 : (tensor<768xbf16>) -> tensor<1x1x768xbf16>
    %316 = stablehlo.reshape %315 : (tensor<1x1x768xbf16>) -> tensor<1x768xbf16>
    %317 = stablehlo.broadcast_in_dim %316, dims = [0, 2] : (tensor<1x768xbf16>) -> tensor<1x64x768xbf16>
    %318 = stablehlo.add %314, %317 : tensor<1x64x768xbf16>
    %319 = stablehlo.convert %318 : (tensor<1x64x768xbf16>) -> tensor<1x64x768xf32>
    %320 = stablehlo.multiply %319, %319 : tensor<1x64x768xf32>
    %321 = stablehlo.constant dense<0.044715> : tensor<f32>
    %322 = stablehlo.broadcast_in_dim %321, dims = [] : (tensor<f32>) -> tensor<1x64x768xf32>
    %323 = stablehlo.multiply %320, %322 : tensor<1x64x768xf32>
    %324 = stablehlo.constant dense<1.0> : tensor<f32>
    %325 = stablehlo.broadcast_in_dim %324, dims = [] : (tensor<f32>) -> tensor<1x64x768xf32>
    %326 = stablehlo.add %323, %325 : tensor<1x64x768xf32>
    %327 = stablehlo.multiply %319, %326 : tensor<1x64x768xf32>
    %328 = stablehlo.constant dense<0.7978845608028654> : tensor<f32>
    %329 = stablehlo.broadcast_in_dim %328, dims = [] : (tensor<f32>) -> tensor<1x64x768xf32>
    %330 = stablehlo.multiply %327, %329 : tensor<1x64x768xf32>
    %331 = stablehlo.tanh %330 : tensor<1x64x768xf32>
    %332 = stablehlo.constant dense<1.0> : tensor<f32>
    %333 = stablehlo.broadcast_in_dim %332, dims = [] : (tensor<f32>) -> tensor<1x64x768xf32>
    %334 = stablehlo.add %331, %333 : tensor<1x64x768xf32>
    %335 = stablehlo.multiply %319, %334 : tensor<1x64x768xf32>
    %336 = stablehlo.constant dense<0.5> : tensor<f32>
    %337 = stablehlo.broadcast_in_dim %336, dims = [] : (tensor<f32>) -> tensor<1x64x768xf32>
    %338 = stablehlo.multiply %335, %337 : tensor<1x64x768xf32>
    %339 = stablehlo.convert %338 : (tensor<1x64x768xf32>) -> tensor<1x64x768xbf16>
    %340 = stablehlo.dot_general %339, %arg17, contracting_dims = [2] x [1] : (tensor<1x64x768xbf16>, tensor<192x768xbf16>) -> tensor<1x64x192xf32>
    %341 = stablehlo.convert %340 : (tensor<1x64x192xf32>) -> tensor<1x64x192xbf16>
    %342 = stablehlo.reshape %arg18 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %343 = stablehlo.reshape %342 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %344 = stablehlo.broadcast_in_dim %343, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x64x192xbf16>
    %345 = stablehlo.add %341, %344 : tensor<1x64x192xbf16>
    %346 = stablehlo.multiply %276, %345 : tensor<1x64x192xbf16>
    %347 = stablehlo.add %273, %346 : tensor<1x64x192xbf16>
    %348 = stablehlo.slice %arg2 [0:1, 8:9, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %349 = stablehlo.reshape %348 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %350 = stablehlo.broadcast_in_dim %349, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %351 = stablehlo.slice %264 [0:1, 0:32, 0:192] : (tensor<1x96x192xbf16>) -> tensor<1x32x192xbf16>
    %352 = stablehlo.dot_general %351, %arg27, contracting_dims = [2] x [1] : (tensor<1x32x192xbf16>, tensor<192x192xbf16>) -> tensor<1x32x192xf32>
    %353 = stablehlo.convert %352 : (tensor<1x32x192xf32>) -> tensor<1x32x192xbf16>
    %354 = stablehlo.reshape %arg28 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %355 = stablehlo.reshape %354 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %356 = stablehlo.broadcast_in_dim %355, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %357 = stablehlo.add %353, %356 : tensor<1x32x192xbf16>
    %358 = stablehlo.multiply %350, %357 : tensor<1x32x192xbf16>
    %359 = stablehlo.add %arg1, %358 : tensor<1x32x192xbf16>
    %360 = stablehlo.slice %arg2 [0:1, 11:12, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %361 = stablehlo.reshape %360 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %362 = stablehlo.broadcast_in_dim %361, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %363 = stablehlo.convert %359 : (tensor<1x32x192xbf16>) -> tensor<1x32x192xf32>
    %364 = stablehlo.constant dense<0.0> : tensor<f32>
    %365 = stablehlo.reduce(%363 init: %364) applies stablehlo.add across dimensions = [2] : (tensor<1x32x192xf32>, tensor<f32>) -> tensor<1x32xf32>
    %366 = stablehlo.reshape %365 : (tensor<1x32xf32>) -> tensor<1x32x1xf32>
    %367 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %368 = stablehlo.broadcast_in_dim %367, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %369 = stablehlo.multiply %366, %368 : tensor<1x32x1xf32>
    %370 = stablehlo.reshape %369 : (tensor<1x32x1xf32>) -> tensor<1x32xf32>
    %371 = stablehlo.broadcast_in_dim %370, dims = [0, 1] : (tensor<1x32xf32>) -> tensor<1x32x192xf32>
    %372 = stablehlo.subtract %363, %371 : tensor<1x32x192xf32>
    %373 = stablehlo.multiply %372, %372 : tensor<1x32x192xf32>
    %374 = stablehlo.constant dense<0.0> : tensor<f32>
    %375 = stablehlo.reduce(%373 init: %374) applies stablehlo.add across dimensions = [2] : (tensor<1x32x192xf32>, tensor<f32>) -> tensor<1x32xf32>
    %376 = stablehlo.reshape %375 : (tensor<1x32xf32>) -> tensor<1x32x1xf32>
    %377 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %378 = stablehlo.broadcast_in_dim %377, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %379 = stablehlo.multiply %376, %378 : tensor<1x32x1xf32>
    %380 = stablehlo.constant dense<0.000001> : tensor<f32>
    %381 = stablehlo.broadcast_in_dim %380, dims = [] : (tensor<f32>) -> tensor<1x32x1xf32>
    %382 = stablehlo.add %379, %381 : tensor<1x32x1xf32>
    %383 = stablehlo.rsqrt %382 : tensor<1x32x1xf32>
    %384 = stablehlo.reshape %383 : (tensor<1x32x1xf32>) -> tensor<1x32xf32>
    %385 = stablehlo.broadcast_in_dim %384, dims = [0, 1] : (tensor<1x32xf32>) -> tensor<1x32x192xf32>
    %386 = stablehlo.multiply %372, %385 : tensor<1x32x192xf32>
    %387 = stablehlo.convert %386 : (tensor<1x32x192xf32>) -> tensor<1x32x192xbf16>
    %388 = stablehlo.slice %arg2 [0:1, 10:11, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %389 = stablehlo.constant dense<1.0> : tensor<bf16>
    %390 = stablehlo.broadcast_in_dim %389, dims = [] : (tensor<bf16>) -> tensor<1x1x192xbf16>
    %391 = stablehlo.add %388, %390 : tensor<1x1x192xbf16>
    %392 = stablehlo.reshape %391 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %393 = stablehlo.broadcast_in_dim %392, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %394 = stablehlo.multiply %387, %393 : tensor<1x32x192xbf16>
    %395 = stablehlo.slice %arg2 [0:1, 9:10, 0:192] : (tensor<1x12x192xbf16>) -> tensor<1x1x192xbf16>
    %396 = stablehlo.reshape %395 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %397 = stablehlo.broadcast_in_dim %396, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %398 = stablehlo.add %394, %397 : tensor<1x32x192xbf16>
    %399 = stablehlo.dot_general %398, %arg29, contracting_dims = [2] x [1] : (tensor<1x32x192xbf16>, tensor<768x192xbf16>) -> tensor<1x32x768xf32>
    %400 = stablehlo.convert %399 : (tensor<1x32x768xf32>) -> tensor<1x32x768xbf16>
    %401 = stablehlo.reshape %arg30 : (tensor<768xbf16>) -> tensor<1x1x768xbf16>
    %402 = stablehlo.reshape %401 : (tensor<1x1x768xbf16>) -> tensor<1x768xbf16>
    %403 = stablehlo.broadcast_in_dim %402, dims = [0, 2] : (tensor<1x768xbf16>) -> tensor<1x32x768xbf16>
    %404 = stablehlo.add %400, %403 : tensor<1x32x768xbf16>
    %405 = stablehlo.convert %404 : (tensor<1x32x768xbf16>) -> tensor<1x32x768xf32>
    %406 = stablehlo.multiply %405, %405 : tensor<1x32x768xf32>
    %407 = stablehlo.constant dense<0.044715> : tensor<f32>
    %408 = stablehlo.broadcast_in_dim %407, dims = [] : (tensor<f32>) -> tensor<1x32x768xf32>
    %409 = stablehlo.multiply %406, %408 : tensor<1x32x768xf32>
    %410 = stablehlo.constant dense<1.0> : tensor<f32>
    %411 = stablehlo.broadcast_in_dim %410, dims = [] : (tensor<f32>) -> tensor<1x32x768xf32>
    %412 = stablehlo.add %409, %411 : tensor<1x32x768xf32>
    %413 = stablehlo.multiply %405, %412 : tensor<1x32x768xf32>
    %414 = stablehlo.constant dense<0.7978845608028654> : tensor<f32>
    %415 = stablehlo.broadcast_in_dim %414, dims = [] : (tensor<f32>) -> tensor<1x32x768xf32>
    %416 = stablehlo.multiply %413, %415 : tensor<1x32x768xf32>
    %417 = stablehlo.tanh %416 : tensor<1x32x768xf32>
    %418 = stablehlo.constant dense<1.0> : tensor<f32>
    %419 = stablehlo.broadcast_in_dim %418, dims = [] : (tensor<f32>) -> tensor<1x32x768xf32>
    %420 = stablehlo.add %417, %419 : tensor<1x32x768xf32>
    %421 = stablehlo.multiply %405, %420 : tensor<1x32x768xf32>
    %422 = stablehlo.constant dense<0.5> : tensor<f32>
    %423 = stablehlo.broadcast_in_dim %422, dims = [] : (tensor<f32>) -> tensor<1x32x768xf32>
    %424 = stablehlo.multiply %421, %423 : tensor<1x32x768xf32>
    %425 = stablehlo.convert %424 : (tensor<1x32x768xf32>) -> tensor<1x32x768xbf16>
    %426 = stablehlo.dot_general %425, %arg31, contracting_dims = [2] x [1] : (tensor<1x32x768xbf16>, tensor<192x768xbf16>) -> tensor<1x32x192xf32>
    %427 = stablehlo.convert %426 : (tensor<1x32x192xf32>) -> tensor<1x32x192xbf16>
    %428 = stablehlo.reshape %arg32 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %429 = stablehlo.reshape %428 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %430 = stablehlo.broadcast_in_dim %429, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x32x192xbf16>
    %431 = stablehlo.add %427, %430 : tensor<1x32x192xbf16>
    %432 = stablehlo.multiply %362, %431 : tensor<1x32x192xbf16>
    %433 = stablehlo.add %359, %432 : tensor<1x32x192xbf16>
    return %347, %433 : tensor<1x64x192xbf16>, tensor<1x32x192xbf16>
  }
}
