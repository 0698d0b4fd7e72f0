package rules

import (
	"encoding/hex"
	"fmt"
)

// Nonce is random, so that no two commands are the same.
type Nonce [NonceSize]byte

// MarshalText returns the nonce as hexadecimal digits.
func (n Nonce) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(n[:])), nil }

// UnmarshalText reads what MarshalText returned.
func (n *Nonce) UnmarshalText(text []byte) error {
	if len(text) != 2*NonceSize {
		return fmt.Errorf("a nonce has %d hexadecimal digits, not %d characters", 2*NonceSize, len(text))
	}
	_, err := hex.Decode(n[:], text)
	return err
}
