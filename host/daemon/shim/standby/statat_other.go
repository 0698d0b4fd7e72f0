//go:build !amd64 && !arm64

package standby

// sysStatAt is no system call, since shims do not stand by here; see Able.
const sysStatAt = ^uintptr(0)
