// Package secp256k1 is secp256k1 (EOSIO's K1; SEC 2 §2.4.1), as far as ECDSA
// needs it: signing in constant time, verification as fast as WebAssembly lets
// it be, alone and in batches.
package secp256k1

import "github.com/eventseal/eventseal/wasm/modular"

// Order is n, the number of points of the curve.
var Order = modular.Modulus{
	N:   modular.Element{0x10364141, 0x1e92f466, 0x12280eef, 0x1db9cd5e, 0x1fffebaa, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0xffffff},
	Inv: 0xa774ec1,
	RR:  modular.Element{0x9f6ab4b, 0x1f300d1e, 0x1c0bd5d8, 0xc8ada8c, 0x11cefa2b, 0x8b79a0f, 0x1e697f5e, 0xe34de2, 0x9c7356},
}

// prime is p = 2²⁵⁶ − 2³² − 977, the size of the field.
var prime = modular.Modulus{
	N:   modular.Element{0x1ffffc2f, 0x1ffffff7, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0x1fffffff, 0xffffff},
	Inv: 0xddacacf,
	RR:  modular.Element{0x1a428400, 0xf44001, 0x10000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0},
}

var (
	one       = field{1}
	seven     = field{7} // the curve is y² = x³ + 7
	generator = Affine{
		field{-0x907e868, 0xf940ad9, -0xc75c9aa, -0x80649a4, -0xf4f8fd6, -0xeb518bc, 0xeb15682, 0xfdf3b97, 0x79be66},
		field{-0x4ef2b48, 0x23e8480, 0x1550667, 0xf68914d, -0xf75702f, -0x201f8f7, -0xe6a896c, 0xee4d479, 0x483ada},
	}
)
