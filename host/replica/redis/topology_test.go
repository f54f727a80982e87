package redis

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/port"
)

// certificate writes a self-signed certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	pair := web.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return certFile, keyFile, roots
}

func TestTLS(t *testing.T) {
	certFile, keyFile, roots := certificate(t)
	port := freePort(t)
	servers.Redis(t, "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no")
	v := replicatest.Event(1, 500, 0)
	r, _ := open(t, Options{Addrs: []string{"127.0.0.1:" + port}, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
	put(t, r, v)
	holds(t, r, v)
	stranger, _ := open(t, Options{Addrs: []string{"127.0.0.1:" + port}, TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	if err := stranger.Check(ctx); err == nil {
		t.Error("a certificate that nobody vouches for is accepted")
	}
	plain, _ := open(t, Options{Addrs: []string{"127.0.0.1:" + port}, Timeout: time.Second})
	if err := plain.Check(ctx); err == nil {
		t.Error("a TLS port answers without TLS")
	}
}

func TestSentinelConformance(t *testing.T) {
	master := servers.Redis(t)
	sentinel := servers.Sentinel(t, master)
	conformance(t, Options{Addrs: []string{sentinel.Addr}, MasterName: "eventseal"}, func(t *testing.T, c client.UniversalClient) {
		if err := c.FlushAll(ctx).Err(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSentinelFollowsTheMaster(t *testing.T) {
	master := servers.Redis(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	follower := servers.Redis(t, "--replicaof", host+" "+port)
	sentinel := servers.Sentinel(t, master)
	r, _ := open(t, Options{Addrs: []string{sentinel.Addr}, MasterName: "eventseal"})
	v := replicatest.Event(1, 500, 0)
	put(t, r, v)
	_, c := open(t, Options{Addrs: []string{follower.Addr}})
	eventually(t, "the follower has the copy", func() bool {
		n, err := c.Exists(ctx, "event:"+v.Hash().String()).Result()
		return err == nil && n == 1
	})
	_, s := open(t, Options{Addrs: []string{sentinel.Addr}})
	eventually(t, "the Sentinel knows the follower", func() bool {
		known, err := s.Do(ctx, "SENTINEL", "REPLICAS", "eventseal").Slice()
		return err == nil && len(known) == 1
	})
	master.Kill()
	eventually(t, "the follower took over", func() bool {
		_, err := r.Put(ctx, replicatest.Event(2, 500, 0))
		return err == nil
	})
	holds(t, r, v)
}

func TestCluster(t *testing.T) {
	const nodes = 3
	var addrs []string
	var own []client.UniversalClient
	for range nodes {
		s := servers.Redis(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t))
		_, c := open(t, Options{Addrs: []string{s.Addr}})
		addrs, own = append(addrs, s.Addr), append(own, c)
	}
	for i, c := range own {
		first, last := i*16384/nodes, (i+1)*16384/nodes-1
		if err := c.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", first, last).Err(); err != nil {
			t.Fatal(err)
		}
		host, port, _ := net.SplitHostPort(addrs[i])
		bus, err := own[i].ConfigGet(ctx, "cluster-port").Result()
		if err != nil {
			t.Fatal(err)
		}
		if err := own[0].Do(ctx, "CLUSTER", "MEET", host, port, bus["cluster-port"]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range own {
		eventually(t, "the cluster is complete", func() bool {
			info, err := c.ClusterInfo(ctx).Result()
			return err == nil && len(info) > 0 && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(nodes))
		})
	}
	conformance(t, Options{Addrs: addrs[:1], Cluster: true}, func(t *testing.T, _ client.UniversalClient) {
		for _, c := range own {
			if err := c.FlushAll(ctx).Err(); err != nil {
				t.Fatal(err)
			}
		}
	})
	for i, c := range own {
		if n, err := c.DBSize(ctx).Result(); err != nil {
			t.Errorf("node %d: %d keys, %v", i, n, err)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	p, err := port.Hold()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	_, number, _ := net.SplitHostPort(p.Addr)
	return number
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("it did not come about that %s", what)
}
