package pluginsdk

import "testing"

func TestTheCertificateIsTheSixthFieldOfTheHandshake(t *testing.T) {
	for line, want := range map[string]string{
		"1|1|unix|/s|grpc|\n":      "1|1|unix|/s|grpc|CERT\n",
		"1|1|unix|/s|grpc||true\n": "1|1|unix|/s|grpc|CERT|true\n", // a host that multiplexes
		"1|1|unix|/s|grpc|own\n":   "1|1|unix|/s|grpc|own\n",
		"1|1|unix|/s|grpc\n":       "1|1|unix|/s|grpc\n",
	} {
		if got := withCertificate(line, "CERT"); got != want {
			t.Errorf("%q becomes %q", line, got)
		}
	}
}

func TestAHostThatSendsNoCertificateIsNotServedOverTLS(t *testing.T) {
	if _, _, err := serverTLS("not PEM"); err == nil {
		t.Error("served to whoever comes")
	}
}
