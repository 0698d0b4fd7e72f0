package pluginsdk

// What a host and a plugin must agree on before they can talk. A host has its own
// copy of these; they never change within meshos.plugin.v1.
const (
	// ProtocolVersion is the application protocol in go-plugin's handshake.
	ProtocolVersion = 1
	// CookieKey and CookieValue are the environment variable by which a plugin
	// knows that a host started it. They are no secret.
	CookieKey   = "MESHOS_PLUGIN"
	CookieValue = "meshos.plugin.v1"
	// PluginName is the one entry of go-plugin's plugin set.
	PluginName = "meshos"
	// LifelineVariable names the environment variable with the number of a file
	// descriptor: the reading end of a pipe that the host never writes to. Its
	// end-of-file says that the host is gone, or wants the plugin gone.
	LifelineVariable = "MESHOS_LIFELINE_FD"
	// LogLevelVariable names the environment variable with the lowest level that
	// Env.Log writes: trace, debug, info, warn or error. It is debug if not set.
	LogLevelVariable = "MESHOS_LOG_LEVEL"
	// ReattachVariable is the name in the line that --debug prints.
	ReattachVariable = "MESHOS_REATTACH"
	// TimeoutHeader names the gRPC metadata in which a host says, in milliseconds,
	// how long it waits for a call. The context of the call ends then.
	TimeoutHeader = "meshos-timeout-ms"
	// MaxMessage is the largest message either side takes, in bytes.
	MaxMessage = 4 << 20
)
