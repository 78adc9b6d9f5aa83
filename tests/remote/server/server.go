// SPDX-License-Identifier: Apache-2.0

// Package server starts servers for tests and benchmarks, and ends them.
package server

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// patience is how long a server may take until it listens.
const patience = 2 * time.Minute

// Server is a running one.
type Server struct {
	cmd   *exec.Cmd
	log   output
	ended chan string
}

// output takes what a server prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write keeps what is printed.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// Start starts a server and returns it when it listens at an address, host and port. An error states what it printed.
func Start(cmd *exec.Cmd, address string) (*Server, error) {
	s := &Server{cmd: cmd, ended: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	// Servers do not outlive a test that is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- fmt.Sprint(cmd.Wait()) }()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return s, nil
		}
		select {
		case how := <-s.ended:
			return nil, fmt.Errorf("%s ended before it listened: %s\n%s", cmd.Path, how, s.Output())
		default:
		}
	}
	s.Stop()
	return nil, fmt.Errorf("%s does not listen on %s\n%s", cmd.Path, address, s.Output())
}

// Output is what the server has printed.
func (s *Server) Output() string {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.b.String()
}

// Stop ends the server.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}
