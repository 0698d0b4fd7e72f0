//go:build amd64 || arm64

package standby

// Able reports whether shims stand by on this architecture.
const Able = true

// handlerPC returns the address of the handler.
func handlerPC() uintptr
