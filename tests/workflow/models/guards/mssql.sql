CREATE OR ALTER TRIGGER [escapement_workflow_record_status] ON [workflow_record] AFTER UPDATE AS
BEGIN
    SET NOCOUNT ON;
    IF NOT (UPDATE([status]) OR UPDATE([version]) OR UPDATE([last_transition_id]) OR UPDATE([status_since])) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.[id] = n.[id]
        WHERE EXISTS (SELECT CAST(n.[status] AS varbinary(max)), n.[version], CAST(n.[last_transition_id] AS varbinary(max)), n.[status_since] EXCEPT SELECT CAST(o.[status] AS varbinary(max)), o.[version], CAST(o.[last_transition_id] AS varbinary(max)), o.[status_since])
        AND NOT EXISTS (
            SELECT 1 FROM [workflow_transitionenvelope] AS e
            WHERE e.[transition_id] = n.[last_transition_id]
            AND e.[record_id] = n.[id]
            AND e.[state] = N'fired'
            AND CAST(e.[target] AS varbinary(max)) = CAST(n.[status] AS varbinary(max))
            AND e.[resulting_version] = n.[version]
            AND n.[version] = o.[version] + 1
            AND (o.[last_transition_id] IS NULL OR o.[last_transition_id] <> n.[last_transition_id])
        )
    )
        THROW 51000, N'escapement: workflow_record changes status only by an envelope fired for it', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_record_fixed] ON [workflow_record] AFTER UPDATE AS
BEGIN
    SET NOCOUNT ON;
    IF UPDATE([id]) AND EXISTS (SELECT 1 FROM inserted)
        THROW 51000, N'escapement: workflow_record keeps its id, workflow, created_at', 1;
    IF NOT (UPDATE([workflow]) OR UPDATE([created_at])) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.[id] = n.[id]
        WHERE EXISTS (SELECT CAST(n.[workflow] AS varbinary(max)), n.[created_at] EXCEPT SELECT CAST(o.[workflow] AS varbinary(max)), o.[created_at])
    )
        THROW 51000, N'escapement: workflow_record keeps its id, workflow, created_at', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_record_insert] ON [workflow_record] AFTER INSERT AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM inserted AS n WHERE n.[version] <> 0 OR n.[last_transition_id] IS NOT NULL)
        THROW 51000, N'escapement: workflow_record starts at version 0, without a transition', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_record_delete] ON [workflow_record] INSTEAD OF DELETE AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM deleted) RAISERROR(N'escapement: rows of workflow_record are never deleted', 16, 1);
END

CREATE OR ALTER TRIGGER [escapement_workflow_transitionenvelope_fixed] ON [workflow_transitionenvelope] AFTER UPDATE AS
BEGIN
    SET NOCOUNT ON;
    IF UPDATE([transition_id]) AND EXISTS (SELECT 1 FROM inserted)
        THROW 51000, N'escapement: workflow_transitionenvelope keeps what was asked', 1;
    IF NOT (UPDATE([record_id]) OR UPDATE([workflow]) OR UPDATE([definition_version]) OR UPDATE([transition]) OR UPDATE([target]) OR UPDATE([actor_id]) OR UPDATE([actor_label]) OR UPDATE([reason]) OR UPDATE([payload]) OR UPDATE([digest]) OR UPDATE([origin]) OR UPDATE([correlation_id]) OR UPDATE([expected_version]) OR UPDATE([traceparent]) OR UPDATE([requested_at]) OR UPDATE([deadline_at]) OR UPDATE([priority]) OR UPDATE([happened_at]) OR UPDATE([source_run_id]) OR UPDATE([source_row]) OR UPDATE([source_position])) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.[transition_id] = n.[transition_id]
        WHERE EXISTS (SELECT CAST(n.[record_id] AS varbinary(max)), CAST(n.[workflow] AS varbinary(max)), n.[definition_version], CAST(n.[transition] AS varbinary(max)), CAST(n.[target] AS varbinary(max)), n.[actor_id], CAST(n.[actor_label] AS varbinary(max)), CAST(n.[reason] AS varbinary(max)), CAST(n.[payload] AS varbinary(max)), CAST(n.[digest] AS varbinary(max)), CAST(n.[origin] AS varbinary(max)), CAST(n.[correlation_id] AS varbinary(max)), n.[expected_version], CAST(n.[traceparent] AS varbinary(max)), n.[requested_at], n.[deadline_at], n.[priority], n.[happened_at], CAST(n.[source_run_id] AS varbinary(max)), n.[source_row], n.[source_position] EXCEPT SELECT CAST(o.[record_id] AS varbinary(max)), CAST(o.[workflow] AS varbinary(max)), o.[definition_version], CAST(o.[transition] AS varbinary(max)), CAST(o.[target] AS varbinary(max)), o.[actor_id], CAST(o.[actor_label] AS varbinary(max)), CAST(o.[reason] AS varbinary(max)), CAST(o.[payload] AS varbinary(max)), CAST(o.[digest] AS varbinary(max)), CAST(o.[origin] AS varbinary(max)), CAST(o.[correlation_id] AS varbinary(max)), o.[expected_version], CAST(o.[traceparent] AS varbinary(max)), o.[requested_at], o.[deadline_at], o.[priority], o.[happened_at], CAST(o.[source_run_id] AS varbinary(max)), o.[source_row], o.[source_position])
    )
        THROW 51000, N'escapement: workflow_transitionenvelope keeps what was asked', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_transitionenvelope_settled] ON [workflow_transitionenvelope] AFTER UPDATE AS
BEGIN
    SET NOCOUNT ON;
    IF NOT (UPDATE([state]) OR UPDATE([code]) OR UPDATE([resulting_version]) OR UPDATE([finished_at]) OR UPDATE([fence])) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.[transition_id] = n.[transition_id]
        WHERE o.[state] IN (N'fired', N'refused', N'failed', N'cancelled', N'reconstructed')
        AND EXISTS (SELECT CAST(n.[state] AS varbinary(max)), CAST(n.[code] AS varbinary(max)), n.[resulting_version], n.[finished_at], n.[fence] EXCEPT SELECT CAST(o.[state] AS varbinary(max)), CAST(o.[code] AS varbinary(max)), o.[resulting_version], o.[finished_at], o.[fence])
    )
        THROW 51000, N'escapement: workflow_transitionenvelope is settled, its outcome is final', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_transitionenvelope_fence] ON [workflow_transitionenvelope] AFTER UPDATE AS
BEGIN
    SET NOCOUNT ON;
    IF NOT (UPDATE([fence])) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.[transition_id] = n.[transition_id]
        WHERE n.[fence] < o.[fence]
    )
        THROW 51000, N'escapement: workflow_transitionenvelope never lowers its fence', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_transitionenvelope_delete] ON [workflow_transitionenvelope] INSTEAD OF DELETE AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM deleted) RAISERROR(N'escapement: rows of workflow_transitionenvelope are never deleted', 16, 1);
END

CREATE OR ALTER TRIGGER [escapement_workflow_transitionenvelope_insert] ON [workflow_transitionenvelope] AFTER INSERT AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM inserted AS n WHERE n.[state] = N'fired' OR n.[resulting_version] IS NOT NULL)
        THROW 51000, N'escapement: workflow_transitionenvelope is asked for first and fired later', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_attempt_append_only] ON [workflow_attempt] INSTEAD OF UPDATE, DELETE AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM deleted) RAISERROR(N'escapement: workflow_attempt is append-only', 16, 1);
END

IF OBJECT_ID(N'[escapement_workflow_attempt_anchor]', N'U') IS NULL CREATE TABLE [escapement_workflow_attempt_anchor] ([anchored] bigint NULL, CONSTRAINT [escapement_workflow_attempt_truncate] FOREIGN KEY ([anchored]) REFERENCES [workflow_attempt] ([id]))

CREATE OR ALTER TRIGGER [escapement_workflow_effectentry_fixed] ON [workflow_effectentry] AFTER UPDATE AS
BEGIN
    SET NOCOUNT ON;
    IF UPDATE([id]) AND EXISTS (SELECT 1 FROM inserted)
        THROW 51000, N'escapement: workflow_effectentry keeps what was asked', 1;
    IF NOT (UPDATE([envelope_id]) OR UPDATE([record_id]) OR UPDATE([name]) OR UPDATE([phase]) OR UPDATE([position]) OR UPDATE([channel]) OR UPDATE([recovery]) OR UPDATE([priority]) OR UPDATE([request]) OR UPDATE([undoes_id]) OR UPDATE([planned_at])) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.[id] = n.[id]
        WHERE EXISTS (SELECT CAST(n.[envelope_id] AS varbinary(max)), CAST(n.[record_id] AS varbinary(max)), CAST(n.[name] AS varbinary(max)), CAST(n.[phase] AS varbinary(max)), n.[position], CAST(n.[channel] AS varbinary(max)), CAST(n.[recovery] AS varbinary(max)), n.[priority], CAST(n.[request] AS varbinary(max)), n.[undoes_id], n.[planned_at] EXCEPT SELECT CAST(o.[envelope_id] AS varbinary(max)), CAST(o.[record_id] AS varbinary(max)), CAST(o.[name] AS varbinary(max)), CAST(o.[phase] AS varbinary(max)), o.[position], CAST(o.[channel] AS varbinary(max)), CAST(o.[recovery] AS varbinary(max)), o.[priority], CAST(o.[request] AS varbinary(max)), o.[undoes_id], o.[planned_at])
    )
        THROW 51000, N'escapement: workflow_effectentry keeps what was asked', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_effectentry_settled] ON [workflow_effectentry] AFTER UPDATE AS
BEGIN
    SET NOCOUNT ON;
    IF NOT (UPDATE([state]) OR UPDATE([code]) OR UPDATE([receipt]) OR UPDATE([finished_at]) OR UPDATE([fence])) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.[id] = n.[id]
        WHERE o.[state] IN (N'done', N'declined', N'abandoned')
        AND EXISTS (SELECT CAST(n.[state] AS varbinary(max)), CAST(n.[code] AS varbinary(max)), CAST(n.[receipt] AS varbinary(max)), n.[finished_at], n.[fence] EXCEPT SELECT CAST(o.[state] AS varbinary(max)), CAST(o.[code] AS varbinary(max)), CAST(o.[receipt] AS varbinary(max)), o.[finished_at], o.[fence])
    )
        THROW 51000, N'escapement: workflow_effectentry is settled, its outcome is final', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_effectentry_fence] ON [workflow_effectentry] AFTER UPDATE AS
BEGIN
    SET NOCOUNT ON;
    IF NOT (UPDATE([fence])) RETURN;
    IF EXISTS (
        SELECT 1 FROM inserted AS n INNER JOIN deleted AS o ON o.[id] = n.[id]
        WHERE n.[fence] < o.[fence]
    )
        THROW 51000, N'escapement: workflow_effectentry never lowers its fence', 1;
END

CREATE OR ALTER TRIGGER [escapement_workflow_effectentry_delete] ON [workflow_effectentry] INSTEAD OF DELETE AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM deleted) RAISERROR(N'escapement: rows of workflow_effectentry are never deleted', 16, 1);
END

CREATE OR ALTER TRIGGER [escapement_workflow_effectattempt_append_only] ON [workflow_effectattempt] INSTEAD OF UPDATE, DELETE AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM deleted) RAISERROR(N'escapement: workflow_effectattempt is append-only', 16, 1);
END

IF OBJECT_ID(N'[escapement_workflow_effectattempt_anchor]', N'U') IS NULL CREATE TABLE [escapement_workflow_effectattempt_anchor] ([anchored] bigint NULL, CONSTRAINT [escapement_workflow_effectattempt_truncate] FOREIGN KEY ([anchored]) REFERENCES [workflow_effectattempt] ([id]))

CREATE OR ALTER TRIGGER [escapement_audit_entry_append_only] ON [audit_entry] INSTEAD OF UPDATE, DELETE AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM deleted) RAISERROR(N'escapement: audit_entry is append-only', 16, 1);
END

IF OBJECT_ID(N'[escapement_audit_entry_anchor]', N'U') IS NULL CREATE TABLE [escapement_audit_entry_anchor] ([anchored] bigint NULL, CONSTRAINT [escapement_audit_entry_truncate] FOREIGN KEY ([anchored]) REFERENCES [audit_entry] ([id]))

CREATE OR ALTER TRIGGER [escapement_declarations_historicaldeclaration_append_only] ON [declarations_historicaldeclaration] INSTEAD OF UPDATE, DELETE AS
BEGIN
    SET NOCOUNT ON;
    IF EXISTS (SELECT 1 FROM deleted) RAISERROR(N'escapement: declarations_historicaldeclaration is append-only', 16, 1);
END

IF OBJECT_ID(N'[escapement_declarations_historicaldeclaration_anchor]', N'U') IS NULL CREATE TABLE [escapement_declarations_historicaldeclaration_anchor] ([anchored] int NULL, CONSTRAINT [escapement_declarations_historicaldeclaration_truncate] FOREIGN KEY ([anchored]) REFERENCES [declarations_historicaldeclaration] ([history_id]))
