package scrub

// Window is how many numbers of messages share one sum.
const Window = 1024

// Copy is what a holder read of the files of its replica.
type Copy struct {
	Sums   map[uint64]Sum // by number of the window: that of a message divided by Window
	Faults []string       // what is wrong with the files themselves
	Bytes  int64
	Unread bool // not all can be read: some is compressed
}

// Sum stands for the messages of a window.
type Sum struct {
	Messages uint32
	Sum      uint64
}

// Add adds a message to what was read.
func (c *Copy) Add(number, sum uint64) {
	s := c.Sums[number/Window]
	s.Messages++
	s.Sum += sum*0x9E3779B97F4A7C15 ^ number*0xC2B2AE3D27D4EB4F
	c.Sums[number/Window] = s
}
