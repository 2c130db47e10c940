module @flux_conditioning {
  func.func public @main(%arg0: tensor<4xf32>, %arg1: tensor<1x128xbf16>, %arg2: tensor<192x256xbf16>, %arg3: tensor<192xbf16>, %arg4: tensor<192x192xbf16>, %arg5: tensor<192xbf16>, %arg6: tensor<192x128xbf16>, %arg7: tensor<192xbf16>, %arg8: tensor<192x192xbf16>, %arg9: tensor<192xbf16>) -> (tensor<4x1x192xbf16>) {
    %0 = stablehlo.reshape %arg0 : (tensor<4xf32>) -> tensor<4x1xf32>
    %1 = stablehlo.reshape %0 : (tensor<4x1xf32>) -> tensor<4xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<4xf32>) -> tensor<4x128xf32>
    %3 = stablehlo.constant dense<"0x0000803FF8396E3FD6AF5D3FAC4B4E3F11F93F3F07A5323FE03D263F2BB31A3F9AF50F3FEEF6053FCF53F93E6004E83E9AE8D73E23EBC83E1BF8BA3EFFFCAD3E9BE8A13EEAAA963E03358C3E0979823E24D4723E36F8613EED47523E7CAE433E8718363E0974293E3FB01D3E91BD123E778D083EDF24FE3DD57FEC3D6814DC3DCCCCCC3DC794BE3D7859B13D5709A53D0D94993D6CEA8E3D4EFE843D1185773DC455663DE357563D4076473D189D393D15BA2C3D1EBC203D4893153DCD300B3DE286013D7711F13CD154E03CA8C1D03C4E43C23C91C6B43C8C39A83C968B9C3C39AD913C0990873C304D7C3CE6C86A3CF17B5A3CB5504B3C14333D3C5010303C0AD7233C0677183C2EE10D3C7707043CADB9F53B45AAE43B15CAD43B1104C63B9A44B83B8279AB3BCC919F3BAF7D943B792E8A3B7C96803B0D526F3B7AB45E3B393E4F3BC2DA403B0D77333B5301273B0D691B3BDD9E103B6D94063BF078FA3A2815E93A75E6D83A5FD7C93AEBD3BB3A8EC9AE3AF7A6A23A0F5C973AD9D98C3A6E12833AA2F1733AE301633A2A3F533A8A94443A9DEE363A443B2A3AA6691E3A146A133A012E093AAC4FFF39E495ED392817DD3993BDCD39D674BF39FB29B23961CBA539A0489A3975928F39AD9A85390DA878398C646739E2535739BF60483953773A392A852D39197921392643163975D40B39281F0239DD2CF2388E5CE138"> : tensor<1x128xf32>
    %4 = stablehlo.reshape %3 : (tensor<1x128xf32>) -> tensor<128xf32>
    %5 = stablehlo.broadcast_in_dim %4, dims = [1] : (tensor<128xf32>) -> tensor<4x128xf32>
    %6 = stablehlo.multiply %2, %5 : tensor<4x128xf32>
    %7 = stablehlo.cosine %6 : tensor<4x128xf32>
    %8 = stablehlo.sine %6 : tensor<4x128xf32>
    %9 = stablehlo.concatenate %7, %8, dim = 1 : (tensor<4x128xf32>, tensor<4x128xf32>) -> tensor<4x256xf32>
    %10 = stablehlo.convert %9 : (tensor<4x256xf32>) -> tensor<4x256xbf16>
    %11 = stablehlo.dot_general %10, %arg2, contracting_dims = [1] x [1] : (tensor<4x256xbf16>, tensor<192x256xbf16>) -> tensor<4x192xf32>
    %12 = stablehlo.convert %11 : (tensor<4x192xf32>) -> tensor<4x192xbf16>
    %13 = stablehlo.reshape %arg3 : (tensor<192xbf16>) -> tensor<1x192xbf16>
    %14 = stablehlo.reshape %13 : (tensor<1x192xbf16>) -> tensor<192xbf16>
    %15 = stablehlo.broadcast_in_dim %14, dims = [1] : (tensor<192xbf16>) -> tensor<4x192xbf16>
    %16 = stablehlo.add %12, %15 : tensor<4x192xbf16>
    %17 = stablehlo.convert %16 : (tensor<4x192xbf16>) -> tensor<4x192xf32>
    %18 = stablehlo.logistic %17 : tensor<4x192xf32>
    %19 = stablehlo.multiply %17, %18 : tensor<4x192xf32>
    %20 = stablehlo.convert %19 : (tensor<4x192xf32>) -> tensor<4x192xbf16>
    %21 = stablehlo.dot_general %20, %arg4, contracting_dims = [1] x [1] : (tensor<4x192xbf16>, tensor<192x192xbf16>) -> tensor<4x192xf32>
    %22 = stablehlo.convert %21 : (tensor<4x192xf32>) -> tensor<4x192xbf16>
    %23 = stablehlo.reshape %arg5 : (tensor<192xbf16>) -> tensor<1x192xbf16>
    %24 = stablehlo.reshape %23 : (tensor<1x192xbf16>) -> tensor<192xbf16>
    %25 = stablehlo.broadcast_in_dim %24, dims = [1] : (tensor<192xbf16>) -> tensor<4x192xbf16>
    %26 = stablehlo.add %22, %25 : tensor<4x192xbf16>
    %27 = stablehlo.reshape %26 : (tensor<4x192xbf16>) -> tensor<4x1x192xbf16>
    %28 = stablehlo.dot_general %arg1, %arg6, contracting_dims = [1] x [1] : (tensor<1x128xbf16>, tensor<192x128xbf16>) -> tensor<1x192xf32>
    %29 = stablehlo.convert %28 : (tensor<1x192xf32>) -> tensor<1x192xbf16>
    %30 = stablehlo.reshape %arg7 : (tensor<192xbf16>) -> tensor<1x192xbf16>
    %31 = stablehlo.add %29, %30 : tensor<1x192xbf16>
    %32 = stablehlo.convert %31 : (tensor<1x192xbf16>) -> tensor<1x192xf32>
    %33 = stablehlo.logistic %32 : tensor<1x192xf32>
    %34 = stablehlo.multiply %32, %33 : tensor<1x192xf32>
    %35 = stablehlo.convert %34 : (tensor<1x192xf32>) -> tensor<1x192xbf16>
    %36 = stablehlo.dot_general %35, %arg8, contracting_dims = [1] x [1] : (tensor<1x192xbf16>, tensor<192x192xbf16>) -> tensor<1x192xf32>
    %37 = stablehlo.convert %36 : (tensor<1x192xf32>) -> tensor<1x192xbf16>
    %38 = stablehlo.reshape %arg9 : (tensor<192xbf16>) -> tensor<1x192xbf16>
    %39 = stablehlo.add %37, %38 : tensor<1x192xbf16>
    %40 = stablehlo.reshape %39 : (tensor<1x192xbf16>) -> tensor<1x1x192xbf16>
    %41 = stablehlo.reshape %40 : (tensor<1x1x192xbf16>) -> tensor<1x192xbf16>
    %42 = stablehlo.broadcast_in_dim %41, dims = [1, 2] : (tensor<1x192xbf16>) -> tensor<4x1x192xbf16>
    %43 = stablehlo.add %27, %42 : tensor<4x1x192xbf16>
    %44 = stablehlo.convert %43 : (tensor<4x1x192xbf16>) -> tensor<4x1x192xf32>
    %45 = stablehlo.logistic %44 : tensor<4x1x192xf32>
    %46 = stablehlo.multiply %44, %45 : tensor<4x1x192xf32>
    %47 = stablehlo.convert %46 : (tensor<4x1x192xf32>) -> tensor<4x1x192xbf16>
    return %47 : tensor<4x1x192xbf16>
  }
}
