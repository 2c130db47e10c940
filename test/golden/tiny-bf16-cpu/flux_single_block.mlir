module @flux_single_block {
  func.func public @main(%arg0: tensor<1x96x192xbf16>, %arg1: tensor<1x3x192xbf16>, %arg2: tensor<96x32xf32>, %arg3: tensor<96x32xf32>, %arg4: tensor<192x192xbf16>, %arg5: tensor<192xbf16>, %arg6: tensor<192x192xbf16>, %arg7: tensor<192xbf16>, %arg8: tensor<192x192xbf16>, %arg9: tensor<192xbf16>, %arg10: tensor<768x192xbf16>, %arg11: tensor<768xbf16>, %arg12: tensor<64xbf16>, %arg13: tensor<64xbf16>, %arg14: tensor<192x960xbf16>, %arg15: tensor<192xbf16>) -> (tensor<1x96x192xbf16>) {
    %0 = stablehlo.slice %arg1 [0:1, 2:3, 0:192] : (tensor<1x3x192xbf16>) -> tensor<1x1x192xbf16>
    %1 = stablehlo.reshape %0 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %2 = stablehlo.broadcast_in_dim %1, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x96x192xbf16>
    %3 = stablehlo.convert %arg0 : (tensor<1x96x192xbf16>) -> tensor<1x96x192xf32>
    %4 = stablehlo.constant dense<0.0> : tensor<f32>
    %5 = stablehlo.reduce(%3 init: %4) applies stablehlo.add across dimensions = [2] : (tensor<1x96x192xf32>, tensor<f32>) -> tensor<1x96xf32>
    %6 = stablehlo.reshape %5 : (tensor<1x96xf32>) -> tensor<1x96x1xf32>
    %7 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [] : (tensor<f32>) -> tensor<1x96x1xf32>
    %9 = stablehlo.multiply %6, %8 : tensor<1x96x1xf32>
    %10 = stablehlo.reshape %9 : (tensor<1x96x1xf32>) -> tensor<1x96xf32>
    %11 = stablehlo.broadcast_in_dim %10, dims = [0, 1] : (tensor<1x96xf32>) -> tensor<1x96x192xf32>
    %12 = stablehlo.subtract %3, %11 : tensor<1x96x192xf32>
    %13 = stablehlo.multiply %12, %12 : tensor<1x96x192xf32>
    %14 = stablehlo.constant dense<0.0> : tensor<f32>
    %15 = stablehlo.reduce(%13 init: %14) applies stablehlo.add across dimensions = [2] : (tensor<1x96x192xf32>, tensor<f32>) -> tensor<1x96xf32>
    %16 = stablehlo.reshape %15 : (tensor<1x96xf32>) -> tensor<1x96x1xf32>
    %17 = stablehlo.constant dense<0.005208333333333333> : tensor<f32>
    %18 = stablehlo.broadcast_in_dim %17, dims = [] : (tensor<f32>) -> tensor<1x96x1xf32>
    %19 = stablehlo.multiply %16, %18 : tensor<1x96x1xf32>
    %20 = stablehlo.constant dense<0.000001> : tensor<f32>
    %21 = stablehlo.broadcast_in_dim %20, dims = [] : (tensor<f32>) -> tensor<1x96x1xf32>
    %22 = stablehlo.add %19, %21 : tensor<1x96x1xf32>
    %23 = stablehlo.rsqrt %22 : tensor<1x96x1xf32>
    %24 = stablehlo.reshape %23 : (tensor<1x96x1xf32>) -> tensor<1x96xf32>
    %25 = stablehlo.broadcast_in_dim %24, dims = [0, 1] : (tensor<1x96xf32>) -> tensor<1x96x192xf32>
    %26 = stablehlo.multiply %12, %25 : tensor<1x96x192xf32>
    %27 = stablehlo.convert %26 : (tensor<1x96x192xf32>) -> tensor<1x96x192xbf16>
    %28 = stablehlo.slice %arg1 [0:1, 1:2, 0:192] : (tensor<1x3x192xbf16>) -> tensor<1x1x192xbf16>
    %29 = stablehlo.constant dense<1.0> : tensor<bf16>
    %30 = stablehlo.broadcast_in_dim %29, dims = [] : (tensor<bf16>) -> tensor<1x1x192xbf16>
    %31 = stablehlo.add %28, %30 : tensor<1x1x192xbf16>
    %32 = stablehlo.reshape %31 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %33 = stablehlo.broadcast_in_dim %32, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x96x192xbf16>
    %34 = stablehlo.multiply %27, %33 : tensor<1x96x192xbf16>
    %35 = stablehlo.slice %arg1 [0:1, 0:1, 0:192] : (tensor<1x3x192xbf16>) -> tensor<1x1x192xbf16>
    %36 = stablehlo.reshape %35 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %37 = stablehlo.broadcast_in_dim %36, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x96x192xbf16>
    %38 = stablehlo.add %34, %37 : tensor<1x96x192xbf16>
    %39 = stablehlo.dot_general %38, %arg4, contracting_dims = [2] x [1] : (tensor<1x96x192xbf16>, tensor<192x192xbf16>) -> tensor<1x96x192xf32>
    %40 = stablehlo.convert %39 : (tensor<1x96x192xf32>) -> tensor<1x96x192xbf16>
    %41 = stablehlo.reshape %arg5 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %42 = stablehlo.reshape %41 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %43 = stablehlo.broadcast_in_dim %42, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x96x192xbf16>
    %44 = stablehlo.add %40, %43 : tensor<1x96x192xbf16>
    %45 = stablehlo.reshape %44 : (tensor<1x96x192xbf16>) -> tensor<1x96x3x64xbf16>
    %46 = stablehlo.convert %45 : (tensor<1x96x3x64xbf16>) -> tensor<1x96x3x64xf32>
    %47 = stablehlo.multiply %46, %46 : tensor<1x96x3x64xf32>
    %48 = stablehlo.constant dense<0.0> : tensor<f32>
    %49 = stablehlo.reduce(%47 init: %48) applies stablehlo.add across dimensions = [3] : (tensor<1x96x3x64xf32>, tensor<f32>) -> tensor<1x96x3xf32>
    %50 = stablehlo.reshape %49 : (tensor<1x96x3xf32>) -> tensor<1x96x3x1xf32>
    %51 = stablehlo.constant dense<0.015625> : tensor<f32>
    %52 = stablehlo.broadcast_in_dim %51, dims = [] : (tensor<f32>) -> tensor<1x96x3x1xf32>
    %53 = stablehlo.multiply %50, %52 : tensor<1x96x3x1xf32>
    %54 = stablehlo.constant dense<0.000001> : tensor<f32>
    %55 = stablehlo.broadcast_in_dim %54, dims = [] : (tensor<f32>) -> tensor<1x96x3x1xf32>
    %56 = stablehlo.add %53, %55 : tensor<1x96x3x1xf32>
    %57 = stablehlo.rsqrt %56 : tensor<1x96x3x1xf32>
    %58 = stablehlo.reshape %57 : (tensor<1x96x3x1xf32>) -> tensor<1x96x3xf32>
    %59 = stablehlo.broadcast_in_dim %58, dims = [0, 1, 2] : (tensor<1x96x3xf32>) -> tensor<1x96x3x64xf32>
    %60 = stablehlo.multiply %46, %59 : tensor<1x96x3x64xf32>
    %61 = stablehlo.convert %arg12 : (tensor<64xbf16>) -> tensor<64xf32>
    %62 = stablehlo.reshape %61 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %63 = stablehlo.reshape %62 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %64 = stablehlo.broadcast_in_dim %63, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x96x3x64xf32>
    %65 = stablehlo.multiply %60, %64 : tensor<1x96x3x64xf32>
    %66 = stablehlo.slice %65 [0:1, 0:96, 0:3, 0:64:2] : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x32xf32>
    %67 = stablehlo.reshape %arg2 : (tensor<96x32xf32>) -> tensor<1x96x1x32xf32>
    %68 = stablehlo.reshape %67 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %69 = stablehlo.broadcast_in_dim %68, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %70 = stablehlo.multiply %66, %69 : tensor<1x96x3x32xf32>
    %71 = stablehlo.slice %65 [0:1, 0:96, 0:3, 1:64:2] : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x32xf32>
    %72 = stablehlo.reshape %arg3 : (tensor<96x32xf32>) -> tensor<1x96x1x32xf32>
    %73 = stablehlo.reshape %72 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %74 = stablehlo.broadcast_in_dim %73, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %75 = stablehlo.multiply %71, %74 : tensor<1x96x3x32xf32>
    %76 = stablehlo.subtract %70, %75 : tensor<1x96x3x32xf32>
    %77 = stablehlo.reshape %67 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %78 = stablehlo.broadcast_in_dim %77, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %79 = stablehlo.multiply %71, %78 : tensor<1x96x3x32xf32>
    %80 = stablehlo.reshape %72 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %81 = stablehlo.broadcast_in_dim %80, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %82 = stablehlo.multiply %66, %81 : tensor<1x96x3x32xf32>
    %83 = stablehlo.add %79, %82 : tensor<1x96x3x32xf32>
    %84 = stablehlo.concatenate %76, %83, dim = 3 : (tensor<1x96x3x32xf32>, tensor<1x96x3x32xf32>) -> tensor<1x96x3x64xf32>
    %85 = stablehlo.convert %84 : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x64xbf16>
    %86 = stablehlo.transpose %85, dims = [0, 2, 1, 3] : (tensor<1x96x3x64xbf16>) -> tensor<1x3x96x64xbf16>
    %87 = stablehlo.dot_general %38, %arg6, contracting_dims = [2] x [1] : (tensor<1x96x192xbf16>, tensor<192x192xbf16>) -> tensor<1x96x192xf32>
    %88 = stablehlo.convert %87 : (tensor<1x96x192xf32>) -> tensor<1x96x192xbf16>
    %89 = stablehlo.reshape %arg7 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %90 = stablehlo.reshape %89 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %91 = stablehlo.broadcast_in_dim %90, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x96x192xbf16>
    %92 = stablehlo.add %88, %91 : tensor<1x96x192xbf16>
    %93 = stablehlo.reshape %92 : (tensor<1x96x192xbf16>) -> tensor<1x96x3x64xbf16>
    %94 = stablehlo.convert %93 : (tensor<1x96x3x64xbf16>) -> tensor<1x96x3x64xf32>
    %95 = stablehlo.multiply %94, %94 : tensor<1x96x3x64xf32>
    %96 = stablehlo.constant dense<0.0> : tensor<f32>
    %97 = stablehlo.reduce(%95 init: %96) applies stablehlo.add across dimensions = [3] : (tensor<1x96x3x64xf32>, tensor<f32>) -> tensor<1x96x3xf32>
    %98 = stablehlo.reshape %97 : (tensor<1x96x3xf32>) -> tensor<1x96x3x1xf32>
    %99 = stablehlo.constant dense<0.015625> : tensor<f32>
    %100 = stablehlo.broadcast_in_dim %99, dims = [] : (tensor<f32>) -> tensor<1x96x3x1xf32>
    %101 = stablehlo.multiply %98, %100 : tensor<1x96x3x1xf32>
    %102 = stablehlo.constant dense<0.000001> : tensor<f32>
    %103 = stablehlo.broadcast_in_dim %102, dims = [] : (tensor<f32>) -> tensor<1x96x3x1xf32>
    %104 = stablehlo.add %101, %103 : tensor<1x96x3x1xf32>
    %105 = stablehlo.rsqrt %104 : tensor<1x96x3x1xf32>
    %106 = stablehlo.reshape %105 : (tensor<1x96x3x1xf32>) -> tensor<1x96x3xf32>
    %107 = stablehlo.broadcast_in_dim %106, dims = [0, 1, 2] : (tensor<1x96x3xf32>) -> tensor<1x96x3x64xf32>
    %108 = stablehlo.multiply %94, %107 : tensor<1x96x3x64xf32>
    %109 = stablehlo.convert %arg13 : (tensor<64xbf16>) -> tensor<64xf32>
    %110 = stablehlo.reshape %109 : (tensor<64xf32>) -> tensor<1x1x1x64xf32>
    %111 = stablehlo.reshape %110 : (tensor<1x1x1x64xf32>) -> tensor<1x64xf32>
    %112 = stablehlo.broadcast_in_dim %111, dims = [0, 3] : (tensor<1x64xf32>) -> tensor<1x96x3x64xf32>
    %113 = stablehlo.multiply %108, %112 : tensor<1x96x3x64xf32>
    %114 = stablehlo.slice %113 [0:1, 0:96, 0:3, 0:64:2] : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x32xf32>
    %115 = stablehlo.reshape %arg2 : (tensor<96x32xf32>) -> tensor<1x96x1x32xf32>
    %116 = stablehlo.reshape %115 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %117 = stablehlo.broadcast_in_dim %116, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %118 = stablehlo.multiply %114, %117 : tensor<1x96x3x32xf32>
    %119 = stablehlo.slice %113 [0:1, 0:96, 0:3, 1:64:2] : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x32xf32>
    %120 = stablehlo.reshape %arg3 : (tensor<96x32xf32>) -> tensor<1x96x1x32xf32>
    %121 = stablehlo.reshape %120 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %122 = stablehlo.broadcast_in_dim %121, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %123 = stablehlo.multiply %119, %122 : tensor<1x96x3x32xf32>
    %124 = stablehlo.subtract %118, %123 : tensor<1x96x3x32xf32>
    %125 = stablehlo.reshape %115 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %126 = stablehlo.broadcast_in_dim %125, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %127 = stablehlo.multiply %119, %126 : tensor<1x96x3x32xf32>
    %128 = stablehlo.reshape %120 : (tensor<1x96x1x32xf32>) -> tensor<1x96x32xf32>
    %129 = stablehlo.broadcast_in_dim %128, dims = [0, 1, 3] : (tensor<1x96x32xf32>) -> tensor<1x96x3x32xf32>
    %130 = stablehlo.multiply %114, %129 : tensor<1x96x3x32xf32>
    %131 = stablehlo.add %127, %130 : tensor<1x96x3x32xf32>
    %132 = stablehlo.concatenate %124, %131, dim = 3 : (tensor<1x96x3x32xf32>, tensor<1x96x3x32xf32>) -> tensor<1x96x3x64xf32>
    %133 = stablehlo.convert %132 : (tensor<1x96x3x64xf32>) -> tensor<1x96x3x64xbf16>
    %134 = stablehlo.transpose %133, dims = [0, 2, 1, 3] : (tensor<1x96x3x64xbf16>) -> tensor<1x3x96x64xbf16>
    %135 = stablehlo.dot_general %86, %134, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [3] : (tensor<1x3x96x64xbf16>, tensor<1x3x96x64xbf16>) -> tensor<1x3x96x96xf32>
    %136 = stablehlo.constant dense<0.125> : tensor<f32>
    %137 = stablehlo.broadcast_in_dim %136, dims = [] : (tensor<f32>) -> tensor<1x3x96x96xf32>
    %138 = stablehlo.multiply %135, %137 : tensor<1x3x96x96xf32>
    %139 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %140 = stablehlo.reduce(%138 init: %139) applies stablehlo.maximum across dimensions = [3] : (tensor<1x3x96x96xf32>, tensor<f32>) -> tensor<1x3x96xf32>
    %141 = stablehlo.reshape %140 : (tensor<1x3x96xf32>) -> tensor<1x3x96x1xf32>
    %142 = stablehlo.reshape %141 : (tensor<1x3x96x1xf32>) -> tensor<1x3x96xf32>
    %143 = stablehlo.broadcast_in_dim %142, dims = [0, 1, 2] : (tensor<1x3x96xf32>) -> tensor<1x3x96x96xf32>
    %144 = stablehlo.subtract %138, %143 : tensor<1x3x96x96xf32>
    %145 = stablehlo.exponential %144 : tensor<1x3x96x96xf32>
    %146 = stablehlo.constant dense<0.0> : tensor<f32>
    %147 = stablehlo.reduce(%145 init: %146) applies stablehlo.add across dimensions = [3] : (tensor<1x3x96x96xf32>, tensor<f32>) -> tensor<1x3x96xf32>
    %148 = stablehlo.reshape %147 : (tensor<1x3x96xf32>) -> tensor<1x3x96x1xf32>
    %149 = stablehlo.reshape %148 : (tensor<1x3x96x1xf32>) -> tensor<1x3x96xf32>
    %150 = stablehlo.broadcast_in_dim %149, dims = [0, 1, 2] : (tensor<1x3x96xf32>) -> tensor<1x3x96x96xf32>
    %151 = stablehlo.divide %145, %150 : tensor<1x3x96x96xf32>
    %152 = stablehlo.convert %151 : (tensor<1x3x96x96xf32>) -> tensor<1x3x96x96xbf16>
    %153 = stablehlo.dot_general %38, %arg8, contracting_dims = [2] x [1] : (tensor<1x96x192xbf16>, tensor<192x192xbf16>) -> tensor<1x96x192xf32>
    %154 = stablehlo.convert %153 : (tensor<1x96x192xf32>) -> tensor<1x96x192xbf16>
    %155 = stablehlo.reshape %arg9 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %156 = stablehlo.reshape %155 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %157 = stablehlo.broadcast_in_dim %156, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x96x192xbf16>
    %158 = stablehlo.add %154, %157 : tensor<1x96x192xbf16>
    %159 = stablehlo.reshape %158 : (tensor<1x96x192xbf16>) -> tensor<1x96x3x64xbf16>
    %160 = stablehlo.transpose %159, dims = [0, 2, 1, 3] : (tensor<1x96x3x64xbf16>) -> tensor<1x3x96x64xbf16>
    %161 = stablehlo.dot_general %152, %160, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<1x3x96x96xbf16>, tensor<1x3x96x64xbf16>) -> tensor<1x3x96x64xf32>
    %162 = stablehlo.convert %161 : (tensor<1x3x96x64xf32>) -> tensor<1x3x96x64xbf16>
    %163 = stablehlo.transpose %162, dims = [0, 2, 1, 3] : (tensor<1x3x96x64xbf16>) -> tensor<1x96x3x64xbf16>
    %164 = stablehlo.reshape %163 : (tensor<1x96x3x64xbf16>) -> tensor<1x96x192xbf16>
    %165 = stablehlo.dot_general %38, %arg10, contracting_dims = [2] x [1] : (tensor<1x96x192xbf16>, tensor<768x192xbf16>) -> tensor<1x96x768xf32>
    %166 = stablehlo.convert %165 : (tensor<1x96x768xf32>) -> tensor<1x96x768xbf16>
    %167 = stablehlo.reshape %arg11 : (tensor<768xbf16>) -> tensor<1x1x768xbf16>
    %168 = stablehlo.reshape %167 : (tensor<1x1x768xbf16>) -> tensor<1x768xbf16>
    %169 = stablehlo.broadcast_in_dim %168, dims = [0, 2] : (tensor<1x768xbf16>) -> tensor<1x96x768xbf16>
    %170 = stablehlo.add %166, %169 : tensor<1x96x768xbf16>
    %171 = stablehlo.convert %170 : (tensor<1x96x768xbf16>) -> tensor<1x96x768xf32>
    %172 = stablehlo.multiply %171, %171 : tensor<1x96x768xf32>
    %173 = stablehlo.constant dense<0.044715> : tensor<f32>
    %174 = stablehlo.broadcast_in_dim %173, dims = [] : (tensor<f32>) -> tensor<1x96x768xf32>
    %175 = stablehlo.multiply %172, %174 : tensor<1x96x768xf32>
    %176 = stablehlo.constant dense<1.0> : tensor<f32>
    %177 = stablehlo.broadcast_in_dim %176, dims = [] : (tensor<f32>) -> tensor<1x96x768xf32>
    %178 = stablehlo.add %175, %177 : tensor<1x96x768xf32>
    %179 = stablehlo.multiply %171, %178 : tensor<1x96x768xf32>
    %180 = stablehlo.constant dense<0.7978845608028654> : tensor<f32>
    %181 = stablehlo.broadcast_in_dim %180, dims = [] : (tensor<f32>) -> tensor<1x96x768xf32>
    %182 = stablehlo.multiply %179, %181 : tensor<1x96x768xf32>
    %183 = stablehlo.tanh %182 : tensor<1x96x768xf32>
    %184 = stablehlo.constant dense<1.0> : tensor<f32>
    %185 = stablehlo.broadcast_in_dim %184, dims = [] : (tensor<f32>) -> tensor<1x96x768xf32>
    %186 = stablehlo.add %183, %185 : tensor<1x96x768xf32>
    %187 = stablehlo.multiply %171, %186 : tensor<1x96x768xf32>
    %188 = stablehlo.constant dense<0.5> : tensor<f32>
    %189 = stablehlo.broadcast_in_dim %188, dims = [] : (tensor<f32>) -> tensor<1x96x768xf32>
    %190 = stablehlo.multiply %187, %189 : tensor<1x96x768xf32>
    %191 = stablehlo.convert %190 : (tensor<1x96x768xf32>) -> tensor<1x96x768xbf16>
    %192 = stablehlo.concatenate %164, %191, dim = 2 : (tensor<1x96x192xbf16>, tensor<1x96x768xbf16>) -> tensor<1x96x960xbf16>
    %193 = stablehlo.dot_general %192, %arg14, contracting_dims = [2] x [1] : (tensor<1x96x960xbf16>, tensor<192x960xbf16>) -> tensor<1x96x192xf32>
    %194 = stablehlo.convert %193 : (tensor<1x96x192xf32>) -> tensor<1x96x192xbf16>
    %195 = stablehlo.reshape %arg15 : (tensor<192xbf16>) -> tensor<1x1x192xbf16>
    %196 = stablehlo.reshape %195 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %197 = stablehlo.broadcast_in_dim %196, dims = [0, 2] : (tensor<1x192xbf16>) -> tensor<1x96x192xbf16>
    %198 = stablehlo.add %194, %197 : tensor<1x96x192xbf16>
    %199 = stablehlo.multiply %2, %198 : tensor<1x96x192xbf16>
    %200 = stablehlo.add %arg0, %199 : tensor<1x96x192xbf16>
    return %200 : tensor<1x96x192xbf16>
  }
}
