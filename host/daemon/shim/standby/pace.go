package standby

const (
	// floodBytes within floodTime, in nanoseconds, are more than is read well in small pieces:
	// the whole shim takes over.
	floodBytes = 256 << 10
	floodTime  = 1_000_000_000
)

// pace counts how much the daemon prints.
type pace struct {
	begin uint64 // of the time in which bytes are counted
	bytes int
}

// flood reports whether that is a flood, with n bytes more now.
func (p *pace) flood(n int, now uint64) bool {
	if now-p.begin >= floodTime {
		p.begin, p.bytes = now, 0
	}
	p.bytes += n
	return p.bytes >= floodBytes
}
