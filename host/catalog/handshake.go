package catalog

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	goplugin "github.com/hashicorp/go-plugin"

	"github.com/meshos/meshos/internal/plaintext"
)

// What a host and a plugin must agree on before they can talk.
const (
	protocolVersion = 1
	cookieKey       = "MESHOS_PLUGIN"
	cookieValue     = "meshos.plugin.v1"
	pluginName      = "meshos"
	// lifelineKey names the descriptor whose end-of-file tells the plugin to end: the
	// host has closed it, or is dead.
	lifelineKey = "MESHOS_LIFELINE_FD"
	lifelineFD  = "3" // the first of a process's extra files
	socketsKey  = "PLUGIN_UNIX_SOCKET_DIR"

	// maxMessage is the largest message in either direction, in bytes.
	maxMessage = 4 << 20
	// window is how much a plugin may send before the host has taken it: with gRPC's own 64 kB an
	// answer of some size waits for the host several times.
	window = 1 << 20
	// maxHeaders is how many bytes the headers of an answer may have, and with them the
	// text of an error.
	maxHeaders = 256 << 10
)

// handshakeConfig returns what go-plugin has to know of this.
func handshakeConfig() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{
		ProtocolVersion: protocolVersion, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue,
	}
}

var handshakeForm = regexp.MustCompile(`^\d+\|\d+\|`)

// looksLikeHandshake reports whether a line of stdout is go-plugin's handshake.
func looksLikeHandshake(line string) bool { return handshakeForm.MatchString(line) }

// checkHandshake checks "core|version|network|address|protocol|certificate". It returns
// what is wrong and what to do, or two empty strings.
func checkHandshake(line, socketDir string) (problem, remedy string) {
	parts := strings.Split(strings.TrimSpace(line), "|")
	field := func(i int) string {
		if i < len(parts) {
			return plaintext.Clean(parts[i], 100)
		}
		return ""
	}
	const rebuild = "install a build that is made for this host"
	switch {
	case field(0) != fmt.Sprint(goplugin.CoreProtocolVersion):
		return fmt.Sprintf("it speaks go-plugin's core protocol %s, this host %d", field(0), goplugin.CoreProtocolVersion), rebuild
	case field(1) != fmt.Sprint(protocolVersion):
		return fmt.Sprintf("it speaks plugin protocol %s, this host %d", field(1), protocolVersion), rebuild
	case field(4) != "grpc":
		return fmt.Sprintf("it serves %q, not grpc", field(4)), "it has to serve gRPC, as pluginsdk does"
	case field(2) != "unix" || filepath.Dir(field(3)) != socketDir:
		return fmt.Sprintf("it listens on %s %s, not in the socket directory that it was given", field(2), field(3)),
			"it has to listen on a unix socket in $" + socketsKey
	}
	const mtls = "it has to use go-plugin's AutoMTLS: answer $PLUGIN_CLIENT_CERT with a certificate of its own"
	if len(parts) < 6 || parts[5] == "" {
		return "it sent no certificate", mtls
	}
	der, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return "the certificate that it sent is not in base64 without padding", mtls
	}
	if _, err := x509.ParseCertificate(der); err != nil {
		return "the certificate that it sent can't be read: " + plaintext.Clean(err.Error(), 200), mtls
	}
	return "", ""
}
