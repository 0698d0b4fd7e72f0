package order

// Step is how far a helper has come.
type Step uint8

// The steps. All but AtExec and Copied say where it failed.
const (
	AtOrder    Step = 1 + iota // the order makes no sense
	AtDir                      // the folder can't be used
	AtOpen                     // the file can't be opened or examined
	AtKind                     // it is not a regular file
	AtSize                     // it is larger than allowed
	AtRead                     // it can't be read
	AtWrite                    // its copy can't be written
	AtExec                     // it is about to be executed
	NoExec                     // it could not be executed
	Copied                     // it is copied
	AtOOMScore                 // oom_score_adj can't be set
	AtNice                     // the nice value can't be set
	AtAccount                  // the account can't be changed
	AtBusy                     // somebody writes it
)

// Status is one record of the status pipe.
type Status struct {
	Step  Step
	Errno uint32 // what the system said; 0 for nothing
	Mode  uint32 // of the file, as stat(2) has it; 0 if there is none
	Size  uint64 // of the file, in bytes
	Mtime int64  // of the file, in nanoseconds since 1970
	// Device, Inode and Ctime tell one version of a file from another.
	Device, Inode uint64
	Ctime         int64 // in nanoseconds since 1970
	// FileSystem is the kind of the file's file system, as statfs(2) has it; 0 if that is not known.
	FileSystem uint64
}

// StatusSize is the size of a record: a pipe takes and returns it as one.
const StatusSize = 1 + 2*4 + 6*8

// Encode returns the bytes of the record.
func (s Status) Encode() (b [StatusSize]byte) {
	b[0] = byte(s.Step)
	for i := range 4 {
		b[1+i] = byte(s.Errno >> (8 * i))
		b[5+i] = byte(s.Mode >> (8 * i))
	}
	for n, v := range [...]uint64{s.Size, uint64(s.Mtime), s.Device, s.Inode, uint64(s.Ctime), s.FileSystem} {
		for i := range 8 {
			b[9+8*n+i] = byte(v >> (8 * i))
		}
	}
	return b
}

// DecodeStatus reads a record.
func DecodeStatus(b [StatusSize]byte) (s Status) {
	s.Step = Step(b[0])
	for i := range 4 {
		s.Errno |= uint32(b[1+i]) << (8 * i)
		s.Mode |= uint32(b[5+i]) << (8 * i)
	}
	var long [6]uint64
	for n := range long {
		for i := range 8 {
			long[n] |= uint64(b[9+8*n+i]) << (8 * i)
		}
	}
	s.Size, s.Mtime, s.Device, s.Inode, s.Ctime, s.FileSystem = long[0], int64(long[1]), long[2], long[3], int64(long[4]), long[5]
	return s
}
