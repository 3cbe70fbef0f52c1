package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// worker sends one request after the other, over a connection of its own (HTTP/1.1) or a shared one (HTTP/2).
type worker struct {
	run     *run
	addr    string
	req     []byte // head and body, as HTTP/1.1 has them
	number  []byte // in req: the number of each request, where a header asks for one
	payload []byte
	client  *http.Client // HTTP/2 only
	c       net.Conn
	r       *bufio.Reader
	sk      sink
	events  atomic.Int64 // of all its requests, also those under way
	out     []sample
	release func() bool // stops watching for the end of the run
}

func (w *worker) do(start time.Time) (sample, error) {
	w.sk.reset()
	defer w.sk.close()
	if w.client != nil {
		return w.overHTTP2(start)
	}
	if w.c == nil {
		if err := w.dial(); err != nil {
			return sample{}, err
		}
	}
	s, err := w.overHTTP1(start)
	if err != nil {
		w.hangUp()
	}
	return s, err
}

func (w *worker) dial() error {
	c, err := net.DialTimeout("tcp", w.addr, 3*time.Second)
	if err != nil {
		return err
	}
	w.c = c
	w.release = context.AfterFunc(w.run.ended, func() { c.Close() })
	if w.r == nil {
		w.r = bufio.NewReaderSize(c, 32<<10)
	} else {
		w.r.Reset(c)
	}
	return nil
}

func (w *worker) hangUp() {
	if w.c != nil {
		w.release()
		w.c.Close()
		w.c = nil
	}
}

// What the head of an answer says of its body.
type answerHead struct {
	ok               bool
	length           int // -1: not told
	chunked, closing bool
	status           string
}

func (w *worker) overHTTP1(start time.Time) (sample, error) {
	w.c.SetDeadline(time.Now().Add(*timeout))
	if w.number != nil {
		copy(w.number, nextNumber())
	}
	if _, err := w.c.Write(w.req); err != nil {
		return sample{}, err
	}
	head, err := w.readHead()
	if err != nil {
		return sample{}, err
	}
	var said []byte
	if !head.ok {
		said, _ = w.r.Peek(min(300, max(1, w.r.Buffered())))
		said = append([]byte(nil), said...)
	}
	if err := w.readBody(&head); err != nil {
		return sample{}, err
	}
	end := time.Now()
	if head.closing {
		w.hangUp()
	}
	if !head.ok {
		return sample{}, fmt.Errorf("status %s %s", head.status, said)
	}
	return w.finish(start, end)
}

// finish tells a whole answer from one that only looks so.
func (w *worker) finish(start, end time.Time) (sample, error) {
	s := sample{lat: int64(end.Sub(start)), events: w.sk.events}
	if w.sk.kind == 'u' {
		return s, nil
	}
	if w.sk.bad != "" {
		return s, errors.New(w.sk.bad)
	}
	if w.sk.events < int64(*expect) {
		return s, fmt.Errorf("%d events of %d", w.sk.events, *expect)
	}
	if !w.sk.ended {
		return s, errors.New("a stream without its end")
	}
	s.first = w.sk.first - start.UnixNano()
	return s, nil
}

func (w *worker) readHead() (answerHead, error) {
	line, err := w.r.ReadSlice('\n')
	if err != nil {
		return answerHead{}, err
	}
	if len(line) < 12 {
		return answerHead{}, errors.New("short status line")
	}
	head := answerHead{length: -1, status: string(line[9:12])}
	head.ok = head.status == "200"
	for {
		if line, err = w.r.ReadSlice('\n'); err != nil {
			return head, err
		}
		if len(line) <= 2 {
			return head, nil
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		switch {
		case !found:
		case bytes.EqualFold(name, []byte("content-length")):
			head.length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			head.chunked = bytes.Contains(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("connection")):
			head.closing = bytes.Contains(bytes.ToLower(value), []byte("close"))
		}
	}
}

func (w *worker) readBody(head *answerHead) error {
	if head.chunked {
		return w.readChunks()
	}
	if head.length >= 0 {
		return w.piece(head.length)
	}
	head.closing = true
	for {
		if _, err := w.r.Peek(1); err != nil {
			return nil
		}
		w.piece(w.r.Buffered())
	}
}

func (w *worker) readChunks() error {
	for {
		line, err := w.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		if err := w.piece(int(n)); err != nil {
			return err
		}
		if _, err := w.r.Discard(2); err != nil {
			return err
		}
	}
	for { // trailers
		line, err := w.r.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return err
		}
	}
}

func (w *worker) piece(n int) error {
	for n > 0 {
		if w.r.Buffered() == 0 {
			if _, err := w.r.Peek(1); err != nil {
				return err
			}
		}
		m := min(n, w.r.Buffered())
		b, _ := w.r.Peek(m)
		w.sk.feed(b)
		w.r.Discard(m)
		n -= m
	}
	return nil
}
