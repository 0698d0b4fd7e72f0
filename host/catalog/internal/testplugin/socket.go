package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"
)

// badSocket sends a good handshake for a socket that is of no use: a symbolic link to one
// outside of its directory, one that nobody serves, or one whose HTTP/2 allows no stream.
func badSocket(mode string) {
	path := os.Getenv("PLUGIN_UNIX_SOCKET_DIR") + "/s"
	at := path
	if mode == "symlink-socket" {
		at = os.Getenv("ELSEWHERE")
		must(os.Symlink(at, path))
	}
	listener, err := net.Listen("unix", at)
	must(err)
	cert, der := certificate()
	go func() {
		for {
			conn, err := listener.Accept()
			must(err)
			if mode == "no-streams" {
				go noStreams(tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}}))
			}
		}
	}()
	fmt.Println("1|1|unix|" + path + "|grpc|" + base64.RawStdEncoding.EncodeToString(der))
}

// noStreams speaks HTTP/2 as far as its settings: no stream at a time.
func noStreams(conn net.Conn) {
	const settings, maxConcurrentStreams, ack = 4, 3, 1
	_, _ = conn.Write([]byte{0, 0, 6, settings, 0, 0, 0, 0, 0, 0, maxConcurrentStreams, 0, 0, 0, 0})
	_, _ = conn.Write([]byte{0, 0, 0, settings, ack, 0, 0, 0, 0})
	_, _ = io.Copy(io.Discard, conn)
}

func certificate() (tls.Certificate, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, der
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
