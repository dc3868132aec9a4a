package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/exospherehost/exo-go/exo"
	"github.com/exospherehost/exo-go/exo/transport"
)

// A serving is exo serve under way.
type serving struct {
	uri, key string // as it printed them
	stop     context.CancelFunc
	code     chan int
	stderr   *safeBuffer
}

// A safeBuffer is written while it is read.
type safeBuffer struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	written *sync.Cond
}

func newSafeBuffer() *safeBuffer {
	b := &safeBuffer{}
	b.written = sync.NewCond(&b.mu)
	return b
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.written.Broadcast()
	return b.buf.Write(p)
}

// await waits until some text has been written.
func (b *safeBuffer) await(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !bytes.Contains(b.buf.Bytes(), []byte(text)) {
		b.written.Wait()
	}
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// startServe starts exo serve on a free port, and waits until it has said where.
func startServe(t *testing.T, getenv func(string) string, args ...string) *serving {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &serving{stop: cancel, code: make(chan int, 1), stderr: newSafeBuffer()}
	out, in := io.Pipe()
	go func() {
		s.code <- run(ctx, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...), in, s.stderr, getenv)
		_ = in.Close()
	}()
	t.Cleanup(func() {
		cancel()
		_ = out.Close()
	})
	s.read(t, out)
	return s
}

// read reads what the server prints when it begins.
func (s *serving) read(t *testing.T, stdout io.Reader) {
	t.Helper()
	first := make([]byte, 4096)
	n, err := stdout.Read(first) // it is printed at once
	if err != nil {
		t.Fatalf("%v: %s", err, s.stderr)
	}
	for lines := bufio.NewScanner(bytes.NewReader(first[:n])); lines.Scan(); {
		switch name, value, _ := strings.Cut(lines.Text(), "="); name {
		case "EXOSPHERE_STATE_MANAGER_URI":
			s.uri = value
		case "EXOSPHERE_API_KEY":
			s.key = value
		default:
			t.Errorf("printed %q", lines.Text())
		}
	}
}

func (s *serving) end(t *testing.T) {
	t.Helper()
	s.stop()
	if code := <-s.code; code != 0 {
		t.Errorf("exit code %d: %s", code, s.stderr)
	}
}

func (s *serving) get(t *testing.T, path, key string, header ...string) (status int, body string, h http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.uri+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", key)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := startServe(t, environ(), "--log-format", "json", "--log-level", "DEBUG")
	if len(s.key) < 26 {
		t.Errorf("made up the key %q", s.key)
	}
	if status, body, _ := s.get(t, "/health", ""); status != http.StatusOK || body != `{"message":"OK"}` {
		t.Errorf("health: %d %s", status, body)
	}
	for key, want := range map[string]int{s.key: 200, "": 401, "wrong": 401} {
		if status, _, _ := s.get(t, "/v0/namespaces", key); status != want {
			t.Errorf("with a key of %d bytes: %d, want %d", len(key), status, want)
		}
	}
	_, _, h := s.get(t, "/health", "", "Origin", "http://localhost:3000")
	if got := h.Get("Access-Control-Allow-Origin"); got != "http://localhost:3000" {
		t.Errorf("allows origin %q", got)
	}
	s.end(t)
	for line := range strings.SplitSeq(strings.TrimSpace(s.stderr.String()), "\n") {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Msg == "" {
			t.Errorf("log line %s: %v", line, err)
		}
		if strings.Contains(line, s.key) {
			t.Error("the key is in the log")
		}
	}
	if again := startServe(t, environ()); again.key == s.key {
		t.Error("the same key is made twice")
	} else {
		again.end(t)
	}
}

func TestServeKeys(t *testing.T) {
	t.Parallel()
	t.Run("of the environment", func(t *testing.T) {
		t.Parallel()
		s := startServe(t, environ("EXOSPHERE_API_KEY=from the environment", "CORS_ORIGINS=https://a.example, https://b.example"))
		defer s.end(t)
		if s.key != "" {
			t.Error("prints a key that it was given")
		}
		if status, _, _ := s.get(t, "/v0/namespaces", "from the environment"); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
		_, _, h := s.get(t, "/health", "", "Origin", "https://b.example")
		if got := h.Get("Access-Control-Allow-Origin"); got != "https://b.example" {
			t.Errorf("allows origin %q", got)
		}
	})
	t.Run("of the command line", func(t *testing.T) {
		t.Parallel()
		s := startServe(t, environ("EXOSPHERE_API_KEY=from the environment"), "--api-key", "one,still one", "--api-key", "two")
		defer s.end(t)
		for key, want := range map[string]int{"one,still one": 200, "two": 200, "one": 401, "from the environment": 401} {
			if status, _, _ := s.get(t, "/v0/namespaces", key); status != want {
				t.Errorf("%q: %d, want %d", key, status, want)
			}
		}
	})
}

// A claim that waits is answered as soon as the server is to stop.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	s := startServe(t, environ())
	begun := time.Now()
	polled := startPoll(t, s)
	s.end(t)
	if got := <-polled; got != `{"count":0,"namespace":"etl","status":"QUEUED","states":[]}` {
		t.Errorf("answered %s", got)
	}
	if took := time.Since(begun); took >= 30*time.Second {
		t.Errorf("took %v: the claim waited to its end", took)
	}
	// Another test's server may have got the port by now, but not the key.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.uri+"/v0/namespaces", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", s.key)
	r.Close = true
	if res, err := http.DefaultClient.Do(r); err == nil {
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			t.Error("still listens")
		}
	}
}

// A stop says how many runs are lost by it.
func TestServeCountsLostRuns(t *testing.T) {
	t.Parallel()
	s := startServe(t, environ(), "--log-format", "json")
	m, err := exo.NewStateManager("etl", exo.WithURL(s.uri), exo.WithAPIKey(s.key), exo.WithLogger(zap.NewNop()))
	if err != nil {
		t.Fatal(err)
	}
	wire := transport.HTTP{URL: s.uri, APIKey: s.key}.Namespace("etl")
	g := exo.NewGraph("words")
	exo.Add(g, "last", exo.Node("Last", func(context.Context, exo.None, exo.None) (exo.None, error) { return exo.None{}, nil }), exo.None{})
	specs := make([]transport.NodeSpec, 0, 1)
	for _, n := range g.Nodes() {
		specs = append(specs, n.Spec())
	}
	if err := wire.Register(t.Context(), "worker", specs); err != nil {
		t.Fatal(err)
	}
	if _, err := m.UpsertGraph(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := m.Trigger(t.Context(), g.Name(), exo.TriggerOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s.end(t)
	if log := s.stderr.String(); !strings.Contains(log, `"runs":2,"namespaces":{"etl":2}`) || !strings.Contains(log, "are gone") {
		t.Errorf("log: %s", log)
	}
}

// startPoll starts a claim that waits for half a minute, and returns once the
// server is busy with it: it says so before it is sent the body.
func startPoll(t *testing.T, s *serving) <-chan string {
	t.Helper()
	const body = `{"nodes":["A"],"batch_size":1,"wait_ms":30000}`
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.uri, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /v0/namespace/etl/states/enqueue HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: %s\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", s.key, len(body))
	if err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	if res, err := http.ReadResponse(answers, nil); err != nil || res.StatusCode != http.StatusContinue {
		t.Fatalf("%+v %v", res, err)
	}
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	polled := make(chan string, 1)
	go func() {
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			polled <- err.Error()
			return
		}
		defer func() { _ = res.Body.Close() }()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			polled <- err.Error()
			return
		}
		polled <- string(text)
	}()
	return polled
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, roots := makeCertificate(t)
	s := startServe(t, environ(), "--tls-cert", certFile, "--tls-key", keyFile)
	defer s.end(t)
	if !strings.HasPrefix(s.uri, "https://127.0.0.1:") {
		t.Fatalf("is at %s", s.uri)
	}
	for version, fine := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS10, MaxVersion: version},
			ForceAttemptHTTP2: true,
		}}
		_, err := transport.HTTP{URL: s.uri, APIKey: s.key, Client: client}.Namespaces(t.Context())
		if (err == nil) != fine {
			t.Errorf("TLS version %#x: %v", version, err)
		}
		client.CloseIdleConnections()
	}
}

// makeCertificate makes one for the loopback address.
func makeCertificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	roots = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", keyBytes), roots
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		addr  string
		tls   bool
		uri   string
		warns bool
	}{
		{"127.0.0.1:8000", false, "http://127.0.0.1:8000", false},
		{"[::1]:8000", false, "http://[::1]:8000", false},
		{"0.0.0.0:8000", false, "http://127.0.0.1:8000", true},
		{"[::]:8000", false, "http://127.0.0.1:8000", true},
		{"[::]:8000", true, "https://127.0.0.1:8000", false},
		{"192.0.2.1:8000", false, "http://192.0.2.1:8000", true},
		{"192.0.2.1:8000", true, "https://192.0.2.1:8000", false},
	}
	for _, tt := range tests {
		var stdout, stderr bytes.Buffer
		env := environment{&stdout, &stderr, environ()}
		log, err := newLogger(env, "", "json")
		if err != nil {
			t.Fatal(err)
		}
		s := &server{env: env, log: log}
		if tt.tls {
			s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		addr, err := net.ResolveTCPAddr("tcp", tt.addr)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.announce(addr); err != nil {
			t.Fatal(err)
		}
		if got := stdout.String(); got != "EXOSPHERE_STATE_MANAGER_URI="+tt.uri+"\n" {
			t.Errorf("%s: printed %q", tt.addr, got)
		}
		if warned := strings.Contains(stderr.String(), "without TLS"); warned != tt.warns {
			t.Errorf("%s: %s", tt.addr, &stderr)
		}
	}
}
