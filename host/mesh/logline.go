package mesh

// LogLevel is how important a log line is.
type LogLevel uint8

// The levels, least important first.
const (
	LevelTrace LogLevel = iota + 1
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// LogLine is a line for the node's log. Daemon is 0 if the line is not a daemon's. Source
// says who says it: "api", "plugin:NAME"; it is empty for the node itself and for the
// output of a daemon.
type LogLine struct {
	Level   LogLevel
	Daemon  DaemonID
	Source  string
	Message string
	Output  OutputPlace // of a line that a daemon printed
}

// OutputPlace is how far a line of a daemon reaches in the files in which the daemon's output
// waits. The zero value is no line of a daemon.
type OutputPlace struct {
	Spool   uint32 // which files: a daemon that is removed and added again gets new ones
	Segment uint64
	Offset  uint64
}
