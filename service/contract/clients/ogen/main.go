// The story of every generated client (see ../README.md), by the client that ogen generates into ./api.
package main

import (
	"context"
	"fmt"
	"os"

	"client/api"
)

type token string

func (t token) Bearer(context.Context, api.OperationName) (api.Bearer, error) {
	return api.Bearer{Token: string(t)}, nil
}

func (t token) Basic(context.Context, api.OperationName) (api.Basic, error) {
	return api.Basic{}, fmt.Errorf("the story needs no client secret")
}

func main() {
	if err := story(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("the story is complete")
}

func expect[T any](step string, got any, err error) (wanted T, _ error) {
	if err != nil {
		return wanted, fmt.Errorf("%s: %w", step, err)
	}
	wanted, ok := got.(T)
	if !ok {
		return wanted, fmt.Errorf("%s: got %T instead of %T: %+v", step, got, wanted, got)
	}
	return wanted, nil
}

func story(ctx context.Context) error {
	client, err := api.NewClient(os.Getenv("ROSTER_URL"), token(os.Getenv("ROSTER_TOKEN")))
	if err != nil {
		return err
	}
	ada := &api.NewUser{
		Email:      "ada@ogen.example",
		Name:       "Ada Lovelace",
		Phone:      api.NewOptNilString("+442071234567"),
		Department: api.NewOptNilString("ogen"),
	}
	got, err := client.CreateUser(ctx, ada, api.CreateUserParams{IdempotencyKey: api.NewOptNilString("ogen-1")})
	created, err := expect[*api.UserHeaders]("create", got, err)
	if err != nil {
		return err
	}
	user := created.Response
	if user.Phone.Value != "+442071234567" || !user.Title.Null || user.Status != api.UserStatusActive {
		return fmt.Errorf("create: the user did not come back as it was sent: %+v", user)
	}

	got, err = client.CreateUser(ctx, ada, api.CreateUserParams{})
	conflict, err := expect[*api.CreateUserConflict]("create again", got, err)
	if err != nil {
		return err
	}
	if conflict.Response.Type != "/problems/email-taken" || conflict.Response.Status != 409 {
		return fmt.Errorf("create again: %+v", conflict.Response)
	}

	got2, err := client.CreateUser(ctx, &api.NewUser{Email: "ada", Name: "Ada"}, api.CreateUserParams{})
	invalid, err := expect[*api.CreateUserUnprocessableEntity]("create an invalid user", got2, err)
	if err != nil {
		return err
	}
	if len(invalid.Response.Errors) != 1 || invalid.Response.Errors[0].Pointer != "/email" {
		return fmt.Errorf("create an invalid user: %+v", invalid.Response)
	}

	read, err := client.ReadUser(ctx, api.ReadUserParams{ID: user.ID})
	whole, err := expect[*api.ReadUserOKHeaders]("read", read, err)
	if err != nil {
		return err
	}
	if whole.Response != user || whole.ETag != created.ETag {
		return fmt.Errorf("read: %+v instead of %+v", whole, created)
	}
	read, err = client.ReadUser(ctx, api.ReadUserParams{ID: user.ID, IfNoneMatch: api.NewOptNilString(whole.ETag.Value)})
	if _, err = expect[*api.ReadUserNotModified]("read what is known", read, err); err != nil {
		return err
	}

	clearPhone := api.OptNilString{}
	clearPhone.SetToNull()
	patch := &api.PatchUserApplicationMergePatchJSON{Title: api.NewOptNilString("Analyst"), Phone: clearPhone}
	at := func(tag string) api.PatchUserParams {
		return api.PatchUserParams{ID: user.ID, IfMatch: api.NewOptNilString(tag)}
	}
	patched, err := client.PatchUser(ctx, patch, at(whole.ETag.Value))
	after, err := expect[*api.ReadUserOKHeaders]("patch", patched, err)
	if err != nil {
		return err
	}
	if after.Response.Title.Value != "Analyst" || !after.Response.Phone.Null || after.ETag == whole.ETag {
		return fmt.Errorf("patch: %+v", after)
	}
	patched, err = client.PatchUser(ctx, patch, at(whole.ETag.Value))
	stale, err := expect[*api.PatchUserPreconditionFailed]("patch a version that is gone", patched, err)
	if err != nil {
		return err
	}
	if stale.Response.Type != "/problems/precondition-failed" {
		return fmt.Errorf("patch a version that is gone: %+v", stale.Response)
	}

	page, err := client.ListUsers(ctx, api.ListUsersParams{Department: api.NewOptString("ogen"), Limit: api.NewOptInt32(1)})
	users, err := expect[*api.UserPageHeaders]("list", page, err)
	if err != nil {
		return err
	}
	if len(users.Response.Items) != 1 || users.Response.Items[0] != after.Response || !users.Response.Next.Null {
		return fmt.Errorf("list: %+v", users.Response)
	}
	feed, err := client.ReadChanges(ctx, api.ReadChangesParams{})
	if _, err = expect[*api.ChangesPage]("read the changes", feed, err); err != nil {
		return err
	}

	deleted, err := client.DeleteUser(ctx, api.DeleteUserParams{ID: user.ID})
	if _, err = expect[*api.DeleteUserNoContent]("delete", deleted, err); err != nil {
		return err
	}
	read, err = client.ReadUser(ctx, api.ReadUserParams{ID: user.ID})
	gone, err := expect[*api.ReadUserNotFound]("read a deleted user", read, err)
	if err != nil {
		return err
	}
	if gone.Response.Type != "/problems/user-not-found" || gone.XRequestID.Value != gone.Response.RequestID {
		return fmt.Errorf("read a deleted user: %+v", gone)
	}
	return nil
}
