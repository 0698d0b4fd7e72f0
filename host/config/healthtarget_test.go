package config

import "testing"

func TestHealthTargetsThatAreGood(t *testing.T) {
	for _, target := range []string{
		"10.0.0.2:80", "tcp://db.example:80", "tcp://[::1]:80", "http://10.0.0.2", "http://10.0.0.2:7878/healthz?full=1",
		"HTTPS://db.example/", "https://[fe80::1]:8443/", "grpc://10.0.0.2:50051", "grpcs://db.example:443/db.v1.Store", "redis://10.0.0.2",
	} {
		if f := badHealthTarget(target); f != nil {
			t.Errorf("%s: %s", target, f.message)
		}
	}
}
