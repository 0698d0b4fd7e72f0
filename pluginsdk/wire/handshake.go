package wire

// The handshake, by which a process that a host started becomes a plugin.
const (
	// ProtocolVersion is the application protocol in go-plugin's handshake.
	ProtocolVersion = 1
	// CookieKey names the environment variable by which a plugin knows that a host
	// started it; CookieValue is its value. They are not a secret.
	CookieKey   = "MESHOS_PLUGIN"
	CookieValue = "meshos.plugin.v1"
	// PluginName is the only entry of go-plugin's plugin set.
	PluginName = "meshos"
)

// The environment of the process.
const (
	// LifelineVariable names the environment variable with the number of a file
	// descriptor: the reading end of a pipe that the host never writes to. Its
	// end-of-file means that the host is gone, or that the plugin shall end.
	LifelineVariable = "MESHOS_LIFELINE_FD"
	// LogLevelVariable names the environment variable with the lowest level that
	// the plugin logs: trace, debug, info, warn or error. Without it that is debug.
	LogLevelVariable = "MESHOS_LOG_LEVEL"
)

// The limits of a call.
const (
	// TimeoutHeader names the gRPC metadata that hold how long the host waits for
	// this call, in milliseconds. The context of the call ends then.
	TimeoutHeader = "meshos-timeout-ms"
	// MaxMessage is the size in bytes of the largest message that either side takes.
	MaxMessage = 4 << 20
)
