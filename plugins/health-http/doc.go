// The health-http plugin reports the health of peers: it asks their health URL for an
// answer, by HTTP or by the gRPC health protocol. A peer that accepts connections and does
// not answer is not healthy.
//
// The files: target.go reads a URL, request.go makes one HTTP request, grpc.go one gRPC
// health check, trust.go makes the TLS configuration, certificate.go judges certificates,
// accept.go says which answers are good, reason.go puts failures into words, probe.go is what
// the host calls. When attempts are made and what follows from them is in
// plugins/internal/healthprobe.
package main
