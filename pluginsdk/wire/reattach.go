package wire

// ReattachVariable is the name that stands before the = in the line that a plugin
// prints when it is started with --debug. Its value is a JSON object of Reattach by
// plugin name.
const ReattachVariable = "MESHOS_REATTACH"

// Reattach is how a client reaches a plugin that no host started.
type Reattach struct {
	Protocol        string `json:"protocol"` // "grpc"
	ProtocolVersion int    `json:"protocol_version"`
	PID             int    `json:"pid"`
	Network         string `json:"network"` // "unix"
	Address         string `json:"address"` // the socket's path
}
