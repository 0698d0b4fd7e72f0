//go:build !amd64 && !arm64

package standby

// Able reports whether shims stand by on this architecture. Without a handler they do not, and
// take more memory.
const Able = false

func handlerPC() uintptr { return 0 }
