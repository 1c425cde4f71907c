// The story of every generated client (see ../README.md), by the client that oapi-codegen generates into ./api.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"client/api"

	"github.com/oapi-codegen/nullable"
)

func main() {
	if err := story(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("the story is complete")
}

func pointer[T any](value T) *T { return &value }

func unexpected(step string, err error, response *http.Response, body []byte) error {
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return fmt.Errorf("%s: %s: %s", step, response.Status, body)
}

func story(ctx context.Context) error {
	authorize := func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+os.Getenv("ROSTER_TOKEN"))
		return nil
	}
	client, err := api.NewClientWithResponses(os.Getenv("ROSTER_URL"), api.WithRequestEditorFn(authorize))
	if err != nil {
		return err
	}
	ada := api.NewUser{
		Email:      "ada@oapi.example",
		Name:       "Ada Lovelace",
		Phone:      nullable.NewNullableWithValue("+442071234567"),
		Department: nullable.NewNullableWithValue("oapi-codegen"),
	}
	created, err := client.CreateUserWithResponse(ctx, nil, ada)
	if err != nil || created.JSON201 == nil {
		return unexpected("create", err, created.HTTPResponse, created.Body)
	}
	user, tag := created.JSON201, created.HTTPResponse.Header.Get("ETag")
	if user.Phone.MustGet() != "+442071234567" || !user.Title.IsNull() || user.Status != "active" {
		return fmt.Errorf("create: the user did not come back as it was sent: %s", created.Body)
	}

	again, err := client.CreateUserWithResponse(ctx, nil, ada)
	if err != nil || again.ApplicationproblemJSON409 == nil {
		return unexpected("create again", err, again.HTTPResponse, again.Body)
	}
	if again.ApplicationproblemJSON409.Type != "/problems/email-taken" {
		return fmt.Errorf("create again: %s", again.Body)
	}

	read, err := client.ReadUserWithResponse(ctx, user.Id, nil)
	if err != nil || read.JSON200 == nil || read.HTTPResponse.Header.Get("ETag") != tag {
		return unexpected("read", err, read.HTTPResponse, read.Body)
	}
	known, err := client.ReadUserWithResponse(ctx, user.Id, &api.ReadUserParams{IfNoneMatch: &tag})
	if err != nil || known.StatusCode() != http.StatusNotModified {
		return unexpected("read what is known", err, known.HTTPResponse, known.Body)
	}

	patch := api.UserPatch{Title: nullable.NewNullableWithValue("Analyst"), Phone: nullable.NewNullNullable[string]()}
	at := &api.PatchUserParams{IfMatch: &tag}
	patched, err := client.PatchUserWithApplicationMergePatchPlusJSONBodyWithResponse(ctx, user.Id, at, patch)
	if err != nil || patched.JSON200 == nil {
		return unexpected("patch", err, patched.HTTPResponse, patched.Body)
	}
	if patched.JSON200.Title.MustGet() != "Analyst" || !patched.JSON200.Phone.IsNull() {
		return fmt.Errorf("patch: %s", patched.Body)
	}
	stale, err := client.PatchUserWithApplicationMergePatchPlusJSONBodyWithResponse(ctx, user.Id, at, patch)
	if err != nil || stale.ApplicationproblemJSON412 == nil {
		return unexpected("patch a version that is gone", err, stale.HTTPResponse, stale.Body)
	}

	page, err := client.ListUsersWithResponse(ctx, &api.ListUsersParams{Department: pointer("oapi-codegen")})
	if err != nil || page.JSON200 == nil || len(page.JSON200.Items) != 1 || !page.JSON200.Next.IsNull() {
		return unexpected("list", err, page.HTTPResponse, page.Body)
	}
	feed, err := client.ReadChangesWithResponse(ctx, nil)
	if err != nil || feed.JSON200 == nil || len(feed.JSON200.Items) == 0 {
		return unexpected("read the changes", err, feed.HTTPResponse, feed.Body)
	}

	deleted, err := client.DeleteUserWithResponse(ctx, user.Id, nil)
	if err != nil || deleted.StatusCode() != http.StatusNoContent {
		return unexpected("delete", err, deleted.HTTPResponse, deleted.Body)
	}
	gone, err := client.ReadUserWithResponse(ctx, user.Id, nil)
	if err != nil || gone.ApplicationproblemJSON404 == nil {
		return unexpected("read a deleted user", err, gone.HTTPResponse, gone.Body)
	}
	if gone.ApplicationproblemJSON404.RequestId != gone.HTTPResponse.Header.Get("X-Request-Id") {
		return fmt.Errorf("read a deleted user: %s", gone.Body)
	}
	return nil
}
