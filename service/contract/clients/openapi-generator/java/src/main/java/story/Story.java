package story;

import client.ApiClient;
import client.ApiException;
import client.ApiResponse;
import client.api.UsersApi;
import client.model.NewUser;
import client.model.User;
import client.model.UserPage;
import client.model.UserPatch;
import client.model.UserStatus;
import java.util.List;
import java.util.Objects;

/** The story of every generated client (see ../../README.md), by the client that openapi-generator generates for Java. */
public final class Story {
    private interface Call {
        Object run() throws ApiException;
    }

    private static void demand(boolean holds, String step, Object seen) {
        if (!holds) {
            throw new AssertionError(step + ": " + seen);
        }
    }

    private static String tag(ApiResponse<?> response) {
        List<String> tags = response.getHeaders().get("etag");
        demand(tags != null && tags.size() == 1, "a response has one ETag", response.getHeaders());
        return tags.get(0);
    }

    private static void refused(Call call, int status, String slug) {
        try {
            Object seen = call.run();
            throw new AssertionError(slug + " was expected: " + seen);
        } catch (ApiException error) {
            String body = Objects.toString(error.getResponseBody());
            demand(error.getCode() == status && body.contains("/problems/" + slug), slug, error.getCode() + " " + body);
            String id = error.getResponseHeaders().firstValue("x-request-id").orElse("none");
            demand(body.contains(id), "a problem has the request's id", body);
        }
    }

    public static void main(String[] arguments) throws ApiException {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("ROSTER_URL"));
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + System.getenv("ROSTER_TOKEN")));
        UsersApi api = new UsersApi(client);

        NewUser ada = new NewUser().email("ada@java.example").name("Ada Lovelace").phone("+442071234567").department("og-java");
        ApiResponse<User> created = api.createUserWithHttpInfo(ada, "og-java-1");
        User user = created.getData();
        demand(created.getStatusCode() == 201, "create", created.getStatusCode());
        demand("+442071234567".equals(user.getPhone()) && user.getTitle() == null && user.getStatus() == UserStatus.ACTIVE, "create", user);
        refused(() -> api.createUser(ada, null), 409, "email-taken");
        refused(() -> api.createUser(new NewUser().email("ada").name("Ada"), null), 422, "validation-failed");

        ApiResponse<User> read = api.readUserWithHttpInfo(user.getId(), null, null);
        demand(read.getData().equals(user) && tag(read).equals(tag(created)), "read", read.getData());

        UserPatch patch = new UserPatch().title("Analyst").phone(null);
        ApiResponse<User> patched = api.patchUserWithHttpInfo(user.getId(), patch, tag(read));
        demand("Analyst".equals(patched.getData().getTitle()) && patched.getData().getPhone() == null, "patch", patched.getData());
        refused(() -> api.patchUser(user.getId(), patch, tag(read)), 412, "precondition-failed");

        UserPage page = api.listUsers(1, null, null, null, "og-java", null, null);
        demand(page.getItems().equals(List.of(patched.getData())) && page.getNext() == null, "list", page);
        boolean followed = api.readChanges(null, null, null).getItems().stream().anyMatch(change -> change.getId().equals(user.getId()));
        demand(followed, "read the changes", "no change of the user");

        demand(api.deleteUserWithHttpInfo(user.getId(), null).getStatusCode() == 204, "delete", user.getId());
        refused(() -> api.readUser(user.getId(), null, null), 404, "user-not-found");
        System.out.println("the story is complete");
    }
}
