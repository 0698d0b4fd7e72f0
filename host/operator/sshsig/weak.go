package sshsig

import "crypto/ed25519"

// fieldPrime returns p = 2^255 - 19, little-endian. The coordinates of keys are numbers
// below p.
func fieldPrime() (p [ed25519.PublicKeySize]byte) {
	for i := range p {
		p[i] = 0xff
	}
	p[0], p[31] = 0xed, 0x7f
	return p
}

// smallOrders returns the y coordinates of the points of small order, without the sign of
// x: 0, 1, p - 1 and two more.
func smallOrders() [][ed25519.PublicKeySize]byte {
	last := fieldPrime()
	last[0]--
	return [][ed25519.PublicKeySize]byte{
		{},
		{1},
		last,
		{
			0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
			0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
		},
		{
			0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
			0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
		},
	}
}

// weak reports whether a key is one that ssh-keygen never makes: a point of small order,
// for which anybody can make signatures, or a coordinate of p or more, which would be a
// second way to write the same key.
func weak(key [ed25519.PublicKeySize]byte) bool {
	key[31] &^= 0x80 // the sign of x
	p := fieldPrime()
	below := false
	for i := len(p) - 1; i >= 0; i-- {
		if key[i] != p[i] {
			below = key[i] < p[i]
			break
		}
	}
	if !below {
		return true
	}
	for _, small := range smallOrders() {
		if key == small {
			return true
		}
	}
	return false
}
