// Calls a running gateway with generated clients; prints one line when all was as expected.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"trunkline.dev/callers/fold"
	errdetails "trunkline.dev/gen/google/rpc"
	tl "trunkline.dev/gen/trunkline/v1"
	"trunkline.dev/gen/trunkline/v1/trunklinev1connect"
)

const within = 20 * time.Second

func main() {
	url, vectors := os.Args[1], os.Args[2]
	foldVectors(vectors)
	for name, options := range map[string][]connect.ClientOption{
		"gRPC":          {connect.WithGRPC()},
		"gRPC-Web":      {connect.WithGRPCWeb()},
		"Connect":       {},
		"Connect, gzip": {connect.WithSendGzip()},
		"Connect JSON":  {connect.WithProtoJSON()},
		"gRPC, gzip":    {connect.WithGRPC(), connect.WithSendGzip()},
	} {
		c := caller{name, trunklinev1connect.NewChatServiceClient(h2c(), url, options...)}
		c.hello()
		c.toolLoop()
		c.errors()
		c.streamAndFold()
		c.deadline()
		c.cancel()
	}
	listModels(url)
	fmt.Println("all as expected")
}

type caller struct {
	name string
	chat trunklinev1connect.ChatServiceClient
}

// h2c speaks HTTP/2 without TLS, as services inside a mesh do.
func h2c() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

func text(message *tl.ChatMessage) string {
	var all strings.Builder
	for _, part := range message.GetParts() {
		all.WriteString(part.GetText())
	}
	return all.String()
}

func user(words string) *tl.ChatMessage {
	part := &tl.Part{Kind: &tl.Part_Text{Text: words}}
	return &tl.ChatMessage{Role: tl.Role_ROLE_USER, Parts: []*tl.Part{part}}
}

func (c caller) check(ok bool, format string, args ...any) {
	if !ok {
		fmt.Printf("%s: %s\n", c.name, fmt.Sprintf(format, args...))
		os.Exit(1)
	}
}

func (c caller) ask(request *tl.ChatRequest) *tl.ChatResponse {
	ctx, done := context.WithTimeout(context.Background(), within)
	defer done()
	response, err := c.chat.Chat(ctx, connect.NewRequest(request))
	c.check(err == nil, "%v", err)
	return response.Msg
}

func (c caller) hello() {
	response := c.ask(&tl.ChatRequest{Model: "simulator/echo", Messages: []*tl.ChatMessage{user("Hello?")}})
	got := text(response.Choices[0].Message)
	c.check(got == "This answer is simulated. You said: Hello?", "hello: %s", got)
}

// The message that holds the call goes back as it was received, proofs and all: this simulated model, like the one that
// it stands for, refuses reasoning whose signature was changed or left out.
func (c caller) toolLoop() {
	parameters := `{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}`
	request := &tl.ChatRequest{
		Model:     "simulator-anthropic/claude-reasoner",
		Messages:  []*tl.ChatMessage{user("/call weather {\"city\": \"Zürich\"}\n/call weather {\"city\": \"Oslo\"}")},
		Reasoning: &tl.Reasoning{Effort: proto.String("high")},
		Tools: []*tl.Tool{{Kind: &tl.Tool_Function{Function: &tl.FunctionTool{
			Name: "weather", ParametersSchema: parameters,
		}}}},
	}
	first := c.ask(request).Choices[0]
	c.check(first.FinishReason == tl.FinishReason_FINISH_REASON_TOOL_CALLS, "finish: %v", first.FinishReason)
	results := &tl.ChatMessage{Role: tl.Role_ROLE_TOOL}
	proofs, cities := 0, []string{}
	for _, part := range first.Message.Parts {
		if part.Proof != nil {
			proofs++
		}
		call := part.GetToolCall()
		if call == nil {
			continue
		}
		var arguments struct{ City string }
		c.check(json.Unmarshal([]byte(call.Arguments), &arguments) == nil, "arguments: %s", call.Arguments)
		cities = append(cities, arguments.City)
		answer := &tl.Part{Kind: &tl.Part_Text{Text: "sunny in " + arguments.City}}
		result := &tl.ToolResult{CallId: call.Id, Parts: []*tl.Part{answer}}
		results.Parts = append(results.Parts, &tl.Part{Kind: &tl.Part_ToolResult{ToolResult: result}})
	}
	c.check(strings.Join(cities, ",") == "Zürich,Oslo" && proofs > 0, "calls: %v, %d proofs", cities, proofs)
	request.Messages = append(request.Messages, first.Message, results)
	last := text(c.ask(request).Choices[0].Message)
	c.check(strings.Contains(last, "sunny in Zürich") && strings.Contains(last, "sunny in Oslo"), "results: %s", last)
}

func (c caller) errors() {
	ctx, done := context.WithTimeout(context.Background(), within)
	defer done()
	hot := 9.0
	for _, expected := range []struct {
		request *tl.ChatRequest
		code    connect.Code
		reason  string
	}{
		{&tl.ChatRequest{Model: "nobody/none"}, connect.CodeNotFound, "MODEL_NOT_FOUND"},
		{&tl.ChatRequest{Model: "simulator/echo", Temperature: &hot}, connect.CodeInvalidArgument, "INVALID_VALUE"},
		{&tl.ChatRequest{Model: "simulator/echo+fault=429,seconds=7"}, connect.CodeResourceExhausted, "RATE_LIMIT_EXCEEDED"},
		{&tl.ChatRequest{Model: "simulator/echo+fault=402"}, connect.CodeResourceExhausted, "INSUFFICIENT_QUOTA"},
		{&tl.ChatRequest{Model: "simulator/echo+fault=drop"}, connect.CodeUnavailable, "UPSTREAM_ERROR"},
	} {
		expected.request.Messages = []*tl.ChatMessage{user("Hi")}
		_, err := c.chat.Chat(ctx, connect.NewRequest(expected.request))
		reason, retry := explain(err)
		c.check(connect.CodeOf(err) == expected.code && reason == expected.reason, "%s: %v, %s", expected.request.Model, err, reason)
		c.check((retry == 7*time.Second) == (reason == "RATE_LIMIT_EXCEEDED"), "%s: retry after %v", reason, retry)
	}
}

// explain gives the reason of an error, and when to come back.
func explain(err error) (reason string, retry time.Duration) {
	var failure *connect.Error
	if !errors.As(err, &failure) {
		return "", 0
	}
	for _, detail := range failure.Details() {
		switch value, _ := detail.Value(); detail := value.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.Reason
		case *errdetails.RetryInfo:
			retry = detail.RetryDelay.AsDuration()
		}
	}
	return reason, retry
}

func (c caller) streamAndFold() {
	ctx, done := context.WithTimeout(context.Background(), within)
	defer done()
	for _, model := range []string{"simulator/reasoner", "simulator-anthropic/claude-reasoner"} {
		request := &tl.ChatRequest{Model: model, Messages: []*tl.ChatMessage{user("/say Grüße, 世界 👋")}}
		stream, err := c.chat.StreamChat(ctx, connect.NewRequest(&tl.StreamChatRequest{Request: request}))
		c.check(err == nil, "%v", err)
		var folded fold.Fold
		for stream.Receive() {
			folded.Push(stream.Msg())
		}
		c.check(stream.Err() == nil, "%v", stream.Err())
		got, err := folded.Response()
		c.check(err == nil, "%v", err)
		want := c.ask(request)
		same := proto.Equal(got.Choices[0].Message, want.Choices[0].Message) && proto.Equal(got.Usage, want.Usage)
		c.check(same, "the fold of %s differs:\n%v\n%v", model, got, want)
	}
}

func (c caller) deadline() {
	ctx, done := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer done()
	request := &tl.ChatRequest{Model: "simulator/echo+fault=stall", Messages: []*tl.ChatMessage{user("/words 9")}}
	started := time.Now()
	stream, err := c.chat.StreamChat(ctx, connect.NewRequest(&tl.StreamChatRequest{Request: request}))
	for err == nil && stream.Receive() {
	}
	if err == nil {
		err = stream.Err()
	}
	c.check(connect.CodeOf(err) == connect.CodeDeadlineExceeded, "deadline: %v", err)
	c.check(time.Since(started) < 5*time.Second, "the deadline took %v", time.Since(started))
}

func (c caller) cancel() {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	request := &tl.ChatRequest{Model: "simulator/echo+fault=stall", Messages: []*tl.ChatMessage{user("/words 9")}}
	stream, err := c.chat.StreamChat(ctx, connect.NewRequest(&tl.StreamChatRequest{Request: request}))
	c.check(err == nil && stream.Receive(), "%v", err)
	cancel()
	for stream.Receive() {
	}
	c.check(connect.CodeOf(stream.Err()) == connect.CodeCanceled, "cancel: %v", stream.Err())
}

func listModels(url string) {
	c := caller{name: "models"}
	models := trunklinev1connect.NewModelsServiceClient(h2c(), url, connect.WithHTTPGet())
	response, err := models.ListModels(context.Background(), connect.NewRequest(&tl.ListModelsRequest{}))
	c.check(err == nil && len(response.Msg.Models) > 0, "%v", err)
	again := connect.NewRequest(&tl.ListModelsRequest{})
	again.Header().Set("If-None-Match", response.Header().Get("Etag"))
	_, err = models.ListModels(context.Background(), again)
	c.check(connect.IsNotModifiedError(err), "not modified: %v", err)
}

// foldVectors checks the fold against the answers that all languages share.
func foldVectors(file string) {
	c := caller{name: "fold"}
	content, err := os.ReadFile(file)
	c.check(err == nil, "%v", err)
	var vectors []struct {
		Name     string
		Events   []json.RawMessage
		Response json.RawMessage
	}
	c.check(json.Unmarshal(content, &vectors) == nil && len(vectors) > 0, "the vectors cannot be read")
	for _, vector := range vectors {
		var folded fold.Fold
		for _, event := range vector.Events {
			message := &tl.StreamChatResponse{}
			c.check(protojson.Unmarshal(event, message) == nil, "%s: %s", vector.Name, event)
			folded.Push(message)
		}
		got, err := folded.Response()
		if string(vector.Response) == "null" {
			c.check(errors.Is(err, fold.ErrCut), "%s: %v", vector.Name, err)
			continue
		}
		want := &tl.ChatResponse{}
		c.check(protojson.Unmarshal(vector.Response, want) == nil, "%s: its answer cannot be read", vector.Name)
		c.check(err == nil && proto.Equal(got, want), "%s:\n%v\n%v\n%v", vector.Name, err, got, want)
	}
}
